"""Importing the user's module, always from its source text.

Invariants: below the project (but not in installed packages) bytecode files are neither read nor
written, so that what runs is what was analysed; and a module has the same name in every worker,
so that pickles of its classes fit everywhere.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib import module_from_spec
from _frozen_importlib_external import (
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    spec_from_file_location,
)
from _imp import extension_suffixes

from . import reads

_INSTALLED = frozenset(("site-packages", "dist-packages", "node_modules", ".venv", "venv", ".tox"))


def _fresh(loader, path: str):
    """Compiles the source, whatever bytecode lies beside it."""
    data = loader.get_data(path)
    reads.source(path, data)
    return loader.source_to_code(data, path)


class FreshLoader(SourceFileLoader):
    """Compiles the source, whatever bytecode lies beside it."""

    def get_code(self, fullname):
        return _fresh(self, self.get_filename(fullname))


_plain = SourceFileLoader.get_code


def _watch_loader(project: str) -> None:
    """Code may make a loader of its own for a file of the project (``spec_from_file_location``)."""

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        folder = os.path.dirname(os.path.abspath(path))
        if is_project_folder(folder, project):
            return _fresh(self, path)
        return _plain(self, fullname)

    SourceFileLoader.get_code = get_code


def install(project: str) -> None:
    """Make imports of project sources use :class:`FreshLoader`."""
    project = os.path.realpath(project)
    details = ((ExtensionFileLoader, extension_suffixes()), (FreshLoader, [".py"]))
    make_finder = FileFinder.path_hook(*details)

    def hook(path: str):
        if not is_project_folder(path, project):
            raise ImportError("not a folder of the project")
        return make_finder(path)

    _watch_loader(project)
    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()


#: Answers of is_project_folder: every module that is imported asks for its folder, which takes a look at each part
#: of its path.
_folders: dict = {}


def is_project_folder(path: str, project: str) -> bool:
    found = _folders.get((path, project))
    if found is None:
        found = _is_project_folder(os.path.realpath(path), project)
        # A relative path may mean another folder later.
        if os.path.isabs(path):
            _folders[path, project] = found
    return found


def _is_project_folder(path: str, project: str) -> bool:
    if path != project and not path.startswith(project + os.sep):
        return False
    return _INSTALLED.isdisjoint(path[len(project) :].split(os.sep))


def module_name(file: str):
    """``(name, folder for sys.path)`` of a source file: dotted when it lies in a package."""
    folder, base = os.path.split(os.path.abspath(file))
    stem = base[:-3] if base.endswith(".py") else base
    parts = [] if stem == "__init__" else [stem]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        if not package:
            break
        parts.insert(0, package)
    if len(parts) == 1 and (stem == "__main__" or stem in sys.stdlib_module_names):
        # Such a name means another module already.
        return stem + "__app", folder
    return ".".join(parts), folder


def load(file: str, project: str):
    """Import the user's file and return its module. Raises what the import raises."""
    file = os.path.abspath(file)
    if not os.path.isfile(file):
        raise FileNotFoundError("The file %s does not exist." % file)
    install(project)
    name, folder = module_name(file)
    sys.path.insert(0, folder)
    if project not in sys.path:
        sys.path.append(project)
    if "." in name:
        parent, _, _ = name.rpartition(".")
        __import__(parent)
        if name not in sys.modules:
            __import__(name)
        return sys.modules[name]
    spec = spec_from_file_location(name, file, loader=FreshLoader(name, file))
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return sys.modules.get(name, module)
