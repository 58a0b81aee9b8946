"""MNIST's files, raw or gzip, for the scripts that train with other frameworks (here and in tests/parity)."""
import gzip
import pathlib
import struct
import sys

import numpy as np


def read_idx(folder, stem):
    """The bytes of FOLDER/STEM or FOLDER/STEM.gz as an array of the shape that its header gives."""
    for name, opener in ((stem, open), (stem + ".gz", gzip.open)):
        path = pathlib.Path(folder) / name
        if path.exists():
            raw = opener(path, "rb").read()
            rank = raw[3]
            shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
            return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)
    sys.exit(f"no {stem}[.gz] in {folder}")
