"""What a Lab does: where its packets go, who reaches whom, and what transfers receive.

Changes no Lab.
"""
