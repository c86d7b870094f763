"""Which folders belong to the project: their sources are compiled anew."""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest

# The public package comes first, as in a worker.
import tensorlake.applications  # noqa: F401
from tlb_runtime.loader import is_project_folder


class TestFolders(unittest.TestCase):
    def setUp(self):
        top = os.path.realpath(tempfile.mkdtemp(prefix="tlb-folders-"))
        self.addCleanup(shutil.rmtree, top)
        self.project, self.other = os.path.join(top, "project"), os.path.join(top, "other")
        for folder in (self.project, self.other):
            os.makedirs(os.path.join(folder, "steps"))
        os.makedirs(os.path.join(self.project, ".venv/lib"))
        os.symlink(os.path.join(self.project, "steps"), os.path.join(top, "link"))
        self.link = os.path.join(top, "link")

    def test_folders_below_it_however_they_are_reached(self):
        # Each twice: the second answer is a kept one.
        for _ in range(2):
            for folder in (self.project, self.project + "/steps", self.link):
                self.assertTrue(is_project_folder(folder, self.project), folder)
            for folder in (self.other, self.project + "/.venv/lib", self.project + "s"):
                self.assertFalse(is_project_folder(folder, self.project), folder)

    def test_a_relative_path_means_what_it_means_now(self):
        self.addCleanup(os.chdir, os.getcwd())
        for folder, inside in ((self.project, True), (self.other, False), (self.project, True)):
            os.chdir(folder)
            self.assertEqual(inside, is_project_folder("steps", self.project))

    def test_answers_are_those_of_one_project(self):
        self.assertTrue(is_project_folder(self.project, self.project))
        self.assertFalse(is_project_folder(self.project, self.other))


if __name__ == "__main__":
    unittest.main()
