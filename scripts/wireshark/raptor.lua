-- Wireshark and tshark: Raptor, as docs/raptor-protocol.md specifies it.
--
--   tshark -X lua_script:scripts/wireshark/raptor.lua -o raptor.key_log:KEYS -r CAPTURE -O raptor
--
-- raptor_aead.lua is to lie beside it. Datagrams are told by their shape on every UDP port. DATA is
-- decrypted with the keys of a key log, lines of
--   RAPTOR_KEY <receiver's session id> <generation> <AES256GCM|CHACHA20POLY1305> <key> <iv>
-- Insecure sessions need none: the checksum tells them.
local folder = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
local aead = dofile(folder .. "raptor_aead.lua")

local raptor = Proto("raptor", "Raptor")
raptor.prefs.key_log = Pref.string("Key log", "", "File with the keys of sessions")

local kKinds = { [0xd1] = "INITIATE", [0xd2] = "RETRY", [0xd3] = "RESPOND", [0xd4] = "DATA" }
local kFrames = {
  [0] = "PADDING", "PING", "ACK", "STREAM", "OPEN", "WINDOW", "SKIP", "END", "DRAIN", "CLOSE",
}
local kModes = { [0] = "ordered", "unordered", "latest", "deadline", "unreliable" }
local kStatuses = { [0] = "accepted", "key not allowed", "busy", "version", "shutting down" }
local kReasons = {
  [0] = "none", "closed", "peer closed", "peer dead", "handshake timeout", "refused",
  "protocol error", "replaced", "drained", "local limit",
}
local kDataHeaderBytes, kTagBytes, kTrailerBytes = 24, 16, 8
local kHandshakeHeaderBytes, kParametersBytes = 16, 64

local f, all_fields = {}, {}
local function field(kind, name, label, ...)
  local made = ProtoField[kind]("raptor." .. name, label, ...)
  f[name] = made
  all_fields[#all_fields + 1] = made
end

field("uint8", "kind", "Kind", base.HEX, kKinds)
field("uint8", "version", "Version")
field("uint8", "flags", "Flags", base.HEX)
field("bool", "insecure", "No encryption", 8, nil, 1)
field("bool", "chacha", "ChaCha20Poly1305", 8, nil, 2)
field("uint64", "session", "Session of the receiver", base.HEX)
field("uint64", "initiator", "Session of the initiator", base.HEX)
field("uint32", "noise_bytes", "Noise message bytes")
field("bytes", "noise", "Noise message")
field("bytes", "ephemeral", "Ephemeral public key")
field("bytes", "sealed_static", "Static public key, sealed")
field("bytes", "sealed_parameters", "Parameters, sealed")
field("bytes", "cookie", "Cookie")
field("bytes", "mac", "MAC")
field("uint8", "generation", "Key generation")
field("uint16", "path", "Path")
field("uint64", "number", "Packet number")
field("bytes", "sealed", "Frames, sealed")
field("bytes", "tag", "Tag")
field("uint32", "crc", "CRC-32C", base.HEX)
field("none", "parameters", "Parameters")
field("uint16", "parameters.bytes", "Bytes")
field("bool", "parameters.inline", "Inline end", 16, nil, 1)
field("uint32", "parameters.status", "Status", base.DEC, kStatuses)
field("uint64", "parameters.session", "Session of the sender", base.HEX)
field("uint32", "parameters.liveness_us", "Liveness (us)")
field("uint32", "parameters.ack_delay_us_max", "ACK delay, most (us)")
field("uint32", "parameters.in_flight_bytes_max", "Bytes in flight, most")
field("uint32", "parameters.message_bytes_max", "Message bytes, most")
field("uint32", "parameters.stream_window_bytes", "Window of a stream, at first")
field("uint16", "parameters.streams_max", "Streams, most")
field("uint16", "parameters.datagram_bytes_max", "Datagram bytes, most")
field("none", "frame", "Frame")
field("uint8", "frame.type", "Type", base.DEC, kFrames)
field("uint32", "ack.delay_ns", "Delay (ns)")
field("uint64", "ack.largest", "Largest")
field("uint8", "ack.range_count", "Ranges")
field("string", "ack.range", "Packets that came")
field("uint32", "ack.gap", "Packets that did not come (NAK)")
field("uint16", "stream", "Stream")
field("uint32", "stream.run_bytes", "Run bytes")
field("uint64", "stream.position", "Position")
field("none", "record", "Record")
field("uint16", "record.payload_bytes", "Payload bytes")
field("bool", "record.begin", "BEGIN", 8, nil, 1)
field("bool", "record.end", "END", 8, nil, 2)
field("uint32", "record.fragment_offset", "Offset in the message")
field("bytes", "record.payload", "Payload")
field("uint8", "open.mode", "Mode", base.DEC, kModes)
field("uint8", "open.priority", "Priority")
field("uint32", "open.message_bytes_max", "Message bytes, most")
field("uint32", "open.deadline_us", "Deadline (us)")
field("uint64", "open.label", "Label")
field("uint16", "close.reason", "Reason", base.DEC, kReasons)
raptor.fields = all_fields

local malformed = ProtoExpert.new("raptor.malformed", "Malformed", expert.group.MALFORMED,
  expert.severity.ERROR)
local forged = ProtoExpert.new("raptor.forged", "Not what the key has sealed",
  expert.group.SECURITY, expert.severity.WARN)
raptor.experts = { malformed, forged }

-- Keys by "<session> <generation, 8 bits>", newest generation first. What was known of a file by
-- its size: a log that grows while it is read is read again.
local keys, log_path, log_bytes = {}, nil, nil

local function from_hex(digits)
  return (digits:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

local kLine = "^RAPTOR_KEY (%x+) (%d+) (%w+) (%x+) (%x+)%s*$"

local function add_key(line)
  local session, generation, kind, key, iv = line:match(kLine)
  if not session or #session ~= 16 or #key ~= 64 or #iv ~= 24 then return end
  local make = ({ AES256GCM = aead.aes256gcm, CHACHA20POLY1305 = aead.chacha20poly1305 })[kind]
  if not make then return end
  local name = session:lower() .. " " .. tonumber(generation) % 256
  keys[name] = keys[name] or {}
  table.insert(keys[name], 1, { make = make, raw = from_hex(key), iv = from_hex(iv) })
end

local function read_key_log()
  local path = raptor.prefs.key_log
  local file = path ~= "" and io.open(path, "rb")
  if not file then return end
  local text = file:read("*a")
  file:close()
  if path == log_path and #text == log_bytes then return end
  keys, log_path, log_bytes = {}, path, #text
  for line in text:gmatch("[^\r\n]+") do add_key(line) end
end

local function candidates(session, generation)
  local name = session .. " " .. generation
  if not keys[name] then read_key_log() end
  return keys[name] or {}
end

-- The nonce: the iv, whose last 8 bytes have the packet number mixed in.
local function nonce_of(iv, number)
  local mixed = {}
  for at = 1, 8 do
    local left, right = iv:byte(4 + at), number:byte(at)
    mixed[at] = string.char((bit32 or bit).bxor(left, right))
  end
  return iv:sub(1, 4) .. table.concat(mixed)
end

local function decrypt(tvb, session, generation)
  local found = candidates(session, generation)
  for _, key in ipairs(found) do
    key.made = key.made or key.make(key.raw)
    local nonce, aad = nonce_of(key.iv, tvb:raw(16, 8)), tvb:raw(0, kDataHeaderBytes)
    local plain = aead.open(key.made, nonce, aad, tvb:raw(kDataHeaderBytes))
    if plain then return plain, true end
  end
  return nil, #found > 0
end

local function is_insecure(tvb)
  local crc_at = tvb:len() - kTrailerBytes
  if tvb(crc_at + 4, 4):le_uint() ~= 0 then return false end
  return tvb(crc_at, 4):le_uint() == aead.crc32c(tvb:raw(0, crc_at))
end

local function complain(tree, text)
  tree:add_proto_expert_info(malformed, text)
  return nil
end

local function dissect_parameters(range, tree)
  local sub = tree:add(f.parameters, range)
  sub:add_le(f["parameters.bytes"], range(0, 2))
  sub:add_le(f["parameters.inline"], range(2, 2))
  sub:add_le(f["parameters.status"], range(4, 4))
  sub:add_le(f["parameters.session"], range(8, 8))
  sub:add_le(f["parameters.liveness_us"], range(16, 4))
  sub:add_le(f["parameters.ack_delay_us_max"], range(20, 4))
  sub:add_le(f["parameters.in_flight_bytes_max"], range(24, 4))
  sub:add_le(f["parameters.message_bytes_max"], range(28, 4))
  sub:add_le(f["parameters.stream_window_bytes"], range(32, 4))
  sub:add_le(f["parameters.streams_max"], range(36, 2))
  sub:add_le(f["parameters.datagram_bytes_max"], range(38, 2))
end

-- Records of a run; gives how many.
local function dissect_records(run, tree)
  local at, count = 0, 0
  while at < run:len() do
    if run:len() - at < 8 then return complain(tree, "record is cut") end
    local payload_bytes, flags = run(at, 2):le_uint(), run(at + 2, 1):uint()
    local bytes = 8 + math.ceil(payload_bytes / 8) * 8
    if bytes > run:len() - at then return complain(tree, "record is longer than its run") end
    local sub = tree:add(f.record, run(at, bytes))
    sub:append_text(string.format(": %d bytes", payload_bytes))
    sub:add_le(f["record.payload_bytes"], run(at, 2))
    sub:add(f["record.begin"], run(at + 2, 1))
    sub:add(f["record.end"], run(at + 2, 1))
    sub:add_le(f["record.fragment_offset"], run(at + 4, 4))
    if payload_bytes > 0 then sub:add(f["record.payload"], run(at + 8, payload_bytes)) end
    if flags > 3 then complain(sub, "record has unknown flags") end
    at, count = at + bytes, count + 1
  end
  return count
end

local function dissect_ack(range, tree)
  tree:add(f["ack.range_count"], range(1, 1))
  tree:add_le(f["ack.delay_ns"], range(4, 4))
  tree:add_le(f["ack.largest"], range(8, 8))
  local last = range(8, 8):le_uint64()
  for index = 0, range(1, 1):uint() - 1 do
    local gap, run = range(16 + 8 * index, 4), range(20 + 8 * index, 4)
    if index > 0 then tree:add_le(f["ack.gap"], gap) end
    last = last - UInt64.new(gap:le_uint())
    local first = last - UInt64.new(run:le_uint()) + UInt64.new(1)
    tree:add(f["ack.range"], run, string.format("%s to %s", tostring(first), tostring(last)))
    last = first - UInt64.new(1)
  end
end

local function dissect_open(range, tree)
  tree:add(f["open.mode"], range(1, 1))
  tree:add_le(f.stream, range(2, 2))
  tree:add(f["open.priority"], range(4, 1))
  tree:add_le(f["open.message_bytes_max"], range(8, 4))
  tree:add_le(f["open.deadline_us"], range(12, 4))
  tree:add_le(f["open.label"], range(16, 8))
end

local function dissect_position(range, tree)
  tree:add_le(f.stream, range(2, 2))
  tree:add_le(f["stream.position"], range(8, 8))
end

local function dissect_stream(range, tree)
  dissect_position(range, tree)
  tree:add_le(f["stream.run_bytes"], range(4, 4))
  dissect_records(range(16), tree)
end

local function nothing() end
local function dissect_close(range, tree) tree:add_le(f["close.reason"], range(2, 2)) end

-- By type: the least bytes, and what says the rest of them.
local kReaders = {
  { 8, nothing }, { 16, dissect_ack }, { 16, dissect_stream }, { 24, dissect_open },
  { 16, dissect_position }, { 16, dissect_position }, { 16, dissect_position }, { 8, nothing },
  { 8, dissect_close },
}

local function frame_bytes(range, at, kind, least)
  if kind == 2 then return least + 8 * range(at + 1, 1):uint() end
  if kind == 3 then return least + range(at + 4, 4):le_uint() end
  return least
end

-- The frames of a payload; gives their names, each behind a space.
local function dissect_frames(range, tree)
  local at, names = 0, {}
  while at < range:len() do
    local kind = range(at, 1):uint()
    if kind == 0 then
      tree:add(f.frame, range(at)):append_text(": PADDING")
      break
    end
    local reader = kReaders[kind]
    if not reader then complain(tree, "unknown frame") break end
    local left = range:len() - at
    if left < reader[1] or left < frame_bytes(range, at, kind, reader[1]) then
      complain(tree, kFrames[kind] .. " is cut")
      break
    end
    local frame = range(at, frame_bytes(range, at, kind, reader[1]))
    local sub = tree:add(f.frame, frame)
    sub:append_text(": " .. kFrames[kind])
    sub:add(f["frame.type"], frame(0, 1))
    reader[2](frame, sub)
    names[#names + 1] = " " .. kFrames[kind]
    at = at + frame:len()
  end
  return table.concat(names)
end

local function dissect_data(tvb, tree)
  tree:add(f.generation, tvb(1, 1))
  tree:add_le(f.path, tvb(2, 2))
  tree:add_le(f.session, tvb(8, 8))
  tree:add_le(f.number, tvb(16, 8))
  local number = tostring(tvb(16, 8):le_uint64())
  if is_insecure(tvb) then
    local end_at = tvb:len() - kTrailerBytes
    tree:add_le(f.crc, tvb(end_at, 4))
    if end_at == kDataHeaderBytes then return "DATA " .. number end
    local frames = tvb(kDataHeaderBytes, end_at - kDataHeaderBytes)
    return "DATA " .. number .. dissect_frames(frames, tree)
  end
  local sealed_bytes = tvb:len() - kDataHeaderBytes - kTagBytes
  if sealed_bytes < 0 then return complain(tree, "neither a tag nor a checksum") end
  if sealed_bytes > 0 then tree:add(f.sealed, tvb(kDataHeaderBytes, sealed_bytes)) end
  tree:add(f.tag, tvb(tvb:len() - kTagBytes))
  local session = tvb(8, 8):le_uint64():tohex():lower()
  local plain, has_keys = decrypt(tvb, session, tvb(1, 1):uint())
  if not plain then
    if has_keys then tree:add_proto_expert_info(forged) end
    return "DATA " .. number
  end
  if #plain == 0 then return "DATA " .. number end
  local opened = ByteArray.new(plain, true):tvb("Raptor, decrypted")
  return "DATA " .. number .. dissect_frames(opened:range(), tree)
end

local function dissect_noise(noise, has_static, insecure, tree)
  if insecure then
    if noise:len() < kParametersBytes then return complain(tree, "parameters are cut") end
    return dissect_parameters(noise, tree)
  end
  local sub = tree:add(f.noise, noise)
  local sealed_at = has_static and 80 or 32
  if noise:len() < sealed_at + 16 then return complain(tree, "noise message is cut") end
  sub:add(f.ephemeral, noise(0, 32))
  if has_static then sub:add(f.sealed_static, noise(32, 48)) end
  sub:add(f.sealed_parameters, noise(sealed_at))
end

local function dissect_handshake(tvb, kind, tree)
  local is_initiate, noise_bytes = kind == 0xd1, tvb(4, 4):le_uint()
  tree:add(f.flags, tvb(2, 1))
  tree:add(f.insecure, tvb(2, 1))
  tree:add(f.chacha, tvb(2, 1))
  tree:add_le(f.noise_bytes, tvb(4, 4))
  tree:add_le(is_initiate and f.initiator or f.session, tvb(8, 8))
  local end_at = is_initiate and 1152 or tvb:len()
  if noise_bytes == 0 or noise_bytes > end_at - kHandshakeHeaderBytes then
    return complain(tree, "noise message is cut")
  end
  local insecure = tvb(2, 1):uint() % 2 == 1
  dissect_noise(tvb(kHandshakeHeaderBytes, noise_bytes), is_initiate, insecure, tree)
  if is_initiate then
    tree:add(f.cookie, tvb(1152, 32))
    tree:add(f.mac, tvb(1184, 16))
  end
end

local function dissect_retry(tvb, tree)
  tree:add_le(f.session, tvb(8, 8))
  tree:add(f.cookie, tvb(16, 32))
end

-- Whether a datagram begins with something of the shape of a packet; gives its kind and length.
local function shape_of(tvb)
  if tvb:len() < 32 then return nil end
  local kind, version, bytes = tvb(0, 1):uint(), tvb(1, 1):uint(), nil
  if kind == 0xd4 then
    bytes = tvb(4, 2):le_uint()
    if bytes < 32 or bytes % 8 ~= 0 then return nil end
    if tvb(2, 2):uint() ~= 0 or tvb(6, 2):uint() ~= 0 then return nil end
  elseif version ~= 1 then
    return nil
  elseif kind == 0xd1 then
    bytes = 1200
  elseif kind == 0xd2 then
    bytes = 56
  elseif kind == 0xd3 then
    bytes = kHandshakeHeaderBytes + tvb(4, 4):le_uint()
  end
  if not bytes or bytes > tvb:len() then return nil end
  return kind, bytes
end

-- The packets of a datagram: a capture taken before the kernel takes a segmented one apart, or after
-- it joined some, shows several as one. Null where it is anything else.
local function packets_of(tvb)
  local packets, at = {}, 0
  if tvb:reported_len() ~= tvb:len() then return nil end
  while at < tvb:len() do
    local rest = at == 0 and tvb or tvb(at):tvb()
    local kind, bytes = shape_of(rest)
    if not kind then return nil end
    packets[#packets + 1] = { kind, bytes == rest:len() and rest or rest(0, bytes):tvb() }
    at = at + bytes
  end
  return #packets > 0 and packets or nil
end

function raptor.init()
  keys, log_path, log_bytes = {}, nil, nil
end

local function dissect_packet(kind, tvb, tree)
  local sub = tree:add(raptor, tvb())
  sub:add(f.kind, tvb(0, 1))
  local said = kKinds[kind]
  if kind == 0xd4 then
    said = dissect_data(tvb, sub) or said
  else
    sub:add(f.version, tvb(1, 1))
    if kind == 0xd2 then dissect_retry(tvb, sub) else dissect_handshake(tvb, kind, sub) end
  end
  sub:append_text(": " .. said)
  return said
end

function raptor.dissector(tvb, pinfo, tree)
  local packets = packets_of(tvb)
  if not packets then return 0 end
  pinfo.cols.protocol = "Raptor"
  local said = {}
  for index, packet in ipairs(packets) do
    said[index] = dissect_packet(packet[1], packet[2], tree)
  end
  pinfo.cols.info = table.concat(said, "; ")
  return tvb:len()
end

raptor:register_heuristic("udp", function(tvb, pinfo, tree)
  return raptor.dissector(tvb, pinfo, tree) > 0
end)
DissectorTable.get("udp.port"):add_for_decode_as(raptor)
