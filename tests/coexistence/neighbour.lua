local neighbour = Proto("neighbour", "A Lua post-dissector")
local seen = ProtoField.string("neighbour.seen", "Stage seen")
local flags = ProtoField.string("neighbour.flags", "Flags seen")
neighbour.fields = { seen, flags }
local stage, tcp_flags = Field.new("tcphs.stage"), Field.new("tcp.flags")
function neighbour.dissector(_, _, tree)
    local now, there = stage(), tcp_flags()
    if there then
        local branch = tree:add(neighbour)
        branch:add(flags, tostring(there))
        branch:add(seen, now and tostring(now) or "none")
    end
end
register_postdissector(neighbour)
