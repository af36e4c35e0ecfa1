"""Meaning as vectors: texts that mean nearly the same have vectors that point nearly the same way.

numpy is imported below this package alone, and where it multiplies matrices it shall do so in one thread:
with more, they wait for each other on a busy machine. It reads that from the environment, once.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
