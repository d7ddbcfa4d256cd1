"""A Lab as commands of ip, tc, sysctl and nft, and what they need of a machine.

Decides nothing of the lab, and knows no bash.
"""
