"""The front end, from text to flat statements: parser, error recovery, expansion of loops, sets and words.

Knows no lab.
"""
