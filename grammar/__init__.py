"""The grammar of the `.topo` language: `topo.lark`, and its reference, `README.md`."""
