"""The command line: parse, call, show; no logic that the Python API lacks."""
