"""The worker side of tl-bench: executes calls for the engine and asks it for others.

This package implements ``docs/protocol.md``. It is private: user code imports
``tensorlake.applications`` only. It uses nothing but the standard library, and at start only
the cheap parts of it (no asyncio, inspect, json, logging, typing), because every worker process
pays for what is imported here.

Floors, lower to upper; a module imports only from lower ones at its top:

    wire, values, binding, hints      bytes, pickles, argument dicts, annotations; no state
    errors, streams                   error records, captured output
    session                           one connection: requests, waiting, who reads the socket
    requests                          what user code asks for: calls, maps, reduces, waiting
    context                           RequestContext
    executor, body                    threads, and what happens inside one call
    loader, describe, coerce, driver  the user's module, its functions, JSON in and out
"""

PROTOCOL = 1
