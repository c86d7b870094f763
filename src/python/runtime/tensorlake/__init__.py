"""Stands in for the ``tensorlake`` package, of which tl-bench replaces ``applications`` only.

When the released package is installed too, its folder is appended to ``__path__``: its other
subpackages (``tensorlake.sandbox``, ...) are then importable while ``tensorlake.applications`` is
found here first. Without it nothing else exists below this name.
"""

import os as _os
import sys as _sys


def _installed_elsewhere() -> list:
    here = _os.path.dirname(_os.path.abspath(__file__))
    found = []
    for entry in _sys.path:
        folder = _os.path.join(entry or ".", "tensorlake")
        if _os.path.isfile(_os.path.join(folder, "__init__.py")):
            folder = _os.path.abspath(folder)
            if folder != here and folder not in found:
                found.append(folder)
    return found


__path__ = list(__path__) + _installed_elsewhere()
