"""The Rust half, loaded as a plain shared library."""
import ctypes
import pathlib

_core = ctypes.CDLL(str(pathlib.Path(__file__).with_name("libhybrid_core.so")))
for _name in ("double", "six_times"):
    getattr(_core, _name).argtypes = [ctypes.c_int64]
    getattr(_core, _name).restype = ctypes.c_int64
double, six_times = _core.double, _core.six_times
