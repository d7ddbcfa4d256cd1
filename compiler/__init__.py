"""The multipath lab compiler: from a topology to standalone bash.

`README.md` in this directory lists the modules.
"""

__version__ = "0.1.0"
