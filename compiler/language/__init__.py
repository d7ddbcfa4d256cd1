"""Text to flat statements: the tree, recovery after mistakes, loops, sets and computed words.

Knows no lab.
"""
