" Vim syntax of .topo, written by editors/editor_files.py
if exists("b:current_syntax") | finish | endif
syn iskeyword @,48-57,_,-,:
syn keyword topoWord accept address aggregate anycast as attach backup blackhole burst by command corrupt cost daemon delay dev distribution down duplicate ecn endpoints engine env failover from fullmesh hops image in inside jitter kind loss mac metric mode mptcpize mtu netns none off on options out over overhead per-packet port private prohibit queue rate reachable ready reorder reverse rtt shortest signal slot snap ssh stp subflow subflows subnet tcp to trunk udp unreachable up using via vlan vni vrf weight weights with
syn match topoStatement /\%(^\|[{}]\)\s*\zs\%(at\|bench\|bond\|capture\|container\|default\|device\|else\|expect\|for\|forward\|host\|if\|lab\|link\|machine\|masquerade\|mptcp\|param\|place\|pool\|profile\|route\|router\|routing\|run\|shape\|spray\|switch\|sysctl\|teql\|tunnel\|uplink\|use\)\>/
syn match topoNumber /\<\d\+\%(\.\d\+\)\?\%([kmg]\?bit\|us\|ms\|s\|[kmg]\?b\|%\|p\)\?\>/
syn match topoOperator /--\|->\|>=\|=/
syn region topoExpression start=/\[/ end=/\]/ oneline
syn region topoString start=/"/ skip=/\\./ end=/"/ oneline
syn match topoComment /#.*/ contains=@Spell
hi def link topoStatement Statement
hi def link topoWord Keyword
hi def link topoNumber Number
hi def link topoOperator Operator
hi def link topoExpression Special
hi def link topoString String
hi def link topoComment Comment
setlocal commentstring=#\ %s
let b:current_syntax = "topo"
