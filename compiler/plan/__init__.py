"""A Lab as facts about a machine, each with the commands that establish it and what they need.

Makes no decision about the lab, and knows no bash.
"""
