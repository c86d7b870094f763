"""The programs of the documentation, unchanged, through the fake engine."""

from __future__ import annotations

import os
import unittest

from fake_engine import Engine

HERE = os.path.dirname(os.path.abspath(__file__))


class TestSeedPrograms(unittest.TestCase):
    def run_program(self, program, app, data):
        engine = Engine(project=os.path.join(HERE, "programs"))
        self.addCleanup(engine.close)
        os.environ["PYTHONPATH"] = os.path.join(HERE, "stubs")
        try:
            worker = engine.start_worker(os.path.join(HERE, "programs", program))
        finally:
            del os.environ["PYTHONPATH"]
        self.assertIsNone(worker.failed)
        self.assertEqual([], worker.ready_message["messages"])
        self.engine = engine
        return engine.run(worker, app, data)

    def calls(self):
        return [e["fn"] for e in self.engine.events if e["t"] in ("call", "map", "reduce")]

    def test_research_agent(self):
        result = self.run_program("research_agent.py", "research_agent", {"topic": "rust"})
        self.assertEqual(("ok", "answer after 2 tools"), result)
        self.assertEqual(
            ["call_llm", "search_web", "call_llm", "read_document", "call_llm"], self.calls()
        )

    def test_batch_processor(self):
        urls = ["a", "b", "c"]
        kind, value = self.run_program("batch_processor.py", "batch_processor", {"doc_urls": urls})
        self.assertEqual("ok", kind, value)
        self.assertEqual(
            ["content of a", "content of b", "content of c"],
            [document["content"] for document in value["documents"]],
        )
        reduce = [e for e in self.engine.events if e["t"] == "reduce"][0]
        self.assertEqual(["acc", "results"], reduce["params"])

    def test_batch_processor_with_a_bad_document(self):
        data = {"doc_urls": ["a", "bad"]}
        kind, error = self.run_program("batch_processor.py", "batch_processor", data)
        self.assertEqual("error", kind)
        self.assertEqual("FunctionError", error["type"])
        self.assertIn("ValueError: cannot parse bad", error["traceback"])

    def test_onboarding_agent(self):
        result = self.run_program("onboarding_agent.py", "onboarding_agent", {"user_id": "ada"})
        self.assertEqual(("ok", "account of Ada"), result)
        self.assertEqual(["build_profile", "send_notification", "setup_account"], self.calls())

    def test_prices(self):
        result = self.run_program("prices.py", "compare", {"ticker": "X"})
        self.assertEqual(("ok", {"now": 12.5, "days": 30}), result)
        worker = self.engine.workers[0]
        self.assertFalse(worker.functions["get_current_price"]["durable"])
        self.assertTrue(worker.functions["get_historical_data"]["durable"])


if __name__ == "__main__":
    unittest.main()
