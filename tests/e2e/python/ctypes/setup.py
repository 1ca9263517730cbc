"""Builds the Rust half with cargo behind soldr and puts it beside the Python half."""
import os
import pathlib
import shutil
import subprocess

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution


class BuildRust(build_py):
    def run(self):
        super().run()
        soldr = os.environ.get("SOLDR", "soldr")
        subprocess.run([soldr, "cargo", "build", "--release"], check=True)
        shutil.copy("target/release/libhybrid_core.so", pathlib.Path(self.build_lib, "hybrid"))


class Binary(Distribution):
    def has_ext_modules(self):
        return True


setup(cmdclass={"build_py": BuildRust}, distclass=Binary)
