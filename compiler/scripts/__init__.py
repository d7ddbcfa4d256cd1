"""The back end: bash scripts from a plan, and phases as JSON.

Code that does not depend on the lab is in `parts/`.
"""
