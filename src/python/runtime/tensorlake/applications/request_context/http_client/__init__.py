"""The module paths of the released SDK's context client.

Nothing here speaks HTTP: tl-bench's contexts use its own connection. The classes keep the checks
and the data that programs and tests look at.
"""
