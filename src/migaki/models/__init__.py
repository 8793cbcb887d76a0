"""Load, adapt, generate with causal language models."""

import logging

# Imported (by PEFT too), bitsandbytes advises to install a package that fetches compiled kernels from
# the hub. They serve repacked 4-bit weights, which migaki never has (`models/low_bit.py`).
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
