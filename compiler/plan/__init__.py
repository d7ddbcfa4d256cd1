"""A Lab as facts of a machine, each with the commands that make it so and what these need.

Decides nothing of the lab, and knows no bash.
"""
