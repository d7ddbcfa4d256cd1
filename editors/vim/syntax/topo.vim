" Vim syntax of .topo, written by editors/editor_files.py
if exists("b:current_syntax") | finish | endif
syn iskeyword @,48-57,_,-,:
syn keyword topoWord accept address aggregate anycast as attach backup burst by command corrupt cost delay down duplicate endpoints engine env forward fullmesh hops image in inside jitter kind loss mac mode mptcpize mtu netns none off on options out over per-packet port queue rate reachable ready reorder rtt shortest signal snap ssh stp subflow subflows subnet tcp to udp unreachable up using via vni weight weights with
syn match topoStatement /\%(^\|[{}]\)\s*\zs\%(at\|bench\|bond\|capture\|container\|default\|else\|expect\|for\|host\|if\|lab\|link\|machine\|masquerade\|mptcp\|param\|place\|pool\|profile\|route\|router\|routing\|run\|shape\|spray\|switch\|sysctl\|teql\|tunnel\|use\)\>/
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
