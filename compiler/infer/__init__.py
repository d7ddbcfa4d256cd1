"""Passes, each from a Lab to one with more decided.

Knows neither statements nor commands.
"""
