"""A plan as scripts of bash, and phases as JSON.

What does not depend on the lab is in `parts/`.
"""
