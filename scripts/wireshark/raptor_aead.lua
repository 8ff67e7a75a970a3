-- AES-256-GCM (NIST SP 800-38D), ChaCha20-Poly1305 (RFC 8439) and CRC-32C, for raptor.lua: what
-- Wireshark offers to Lua has no ciphers before 4.2. Slow, and for captures alone: nothing here runs
-- in constant time. Everything takes and gives strings of bytes.
local bits = bit32 or bit
local band, bxor, bor = bits.band, bits.bxor, bits.bor
local lshift, rshift = bits.lshift, bits.rshift
local byte, char = string.byte, string.char

local aead = {}

-- Numbers of 32 bits as they are, whether the library calls the highest bit a sign or not.
local function unsigned(word) return word % 4294967296 end

local function word_be(text, at)
  local a, b, c, d = byte(text, at, at + 3)
  return bor(lshift(a, 24), lshift(b, 16), lshift(c, 8), d)
end

local function bytes_be(word)
  return char(rshift(word, 24), band(rshift(word, 16), 255), band(rshift(word, 8), 255),
    band(word, 255))
end

local function word_le(text, at)
  local a, b, c, d = byte(text, at, at + 3)
  return a + b * 256 + c * 65536 + d * 16777216
end

local function bytes_le(word)
  return char(band(word, 255), band(rshift(word, 8), 255), band(rshift(word, 16), 255),
    rshift(word, 24))
end

local function xor_text(left, right)
  local out = {}
  for at = 1, #left do out[at] = char(bxor(byte(left, at), byte(right, at))) end
  return table.concat(out)
end

local function pad16(text) return text .. string.rep("\0", -#text % 16) end

-- AES (FIPS 197). `sbox` by byte, `mixed` by byte: the column that MixColumns makes of it.
local sbox, mixed = {}, {}
do
  local function double(value)
    value = value * 2
    return value > 255 and bxor(value, 0x11b) or value
  end
  local power, log, value = {}, {}, 1
  for exponent = 0, 254 do
    power[exponent], log[value] = value, exponent
    value = bxor(value, double(value))
  end
  for from = 0, 255 do
    local inverse = from == 0 and 0 or power[(255 - log[from]) % 255]
    local image = 0x63
    for turn = 0, 4 do
      image = bxor(image, band(bor(lshift(inverse, turn), rshift(inverse, 8 - turn)), 255))
    end
    sbox[from] = image
    local twice = double(image)
    mixed[from] = bor(lshift(twice, 24), lshift(image, 16), lshift(image, 8), bxor(twice, image))
  end
end

local function rotate_right(word, count) return bor(rshift(word, count), lshift(word, 32 - count)) end

local function sub_word(word)
  return bor(lshift(sbox[rshift(word, 24)], 24), lshift(sbox[band(rshift(word, 16), 255)], 16),
    lshift(sbox[band(rshift(word, 8), 255)], 8), sbox[band(word, 255)])
end

local kRounds = 14

local function expand_key(key)
  local words, constant = {}, 1
  for index = 0, 7 do words[index] = word_be(key, 4 * index + 1) end
  for index = 8, 4 * (kRounds + 1) - 1 do
    local word = words[index - 1]
    if index % 8 == 0 then
      word = bxor(sub_word(rotate_right(word, 24)), lshift(constant, 24))
      constant = constant * 2
    elseif index % 8 == 4 then
      word = sub_word(word)
    end
    words[index] = bxor(words[index - 8], word)
  end
  return words
end

local function column(a, b, c, d, key)
  return bxor(mixed[rshift(a, 24)], rotate_right(mixed[band(rshift(b, 16), 255)], 8),
    rotate_right(mixed[band(rshift(c, 8), 255)], 16), rotate_right(mixed[band(d, 255)], 24), key)
end

local function last_column(a, b, c, d, key)
  return bytes_be(bxor(sub_word(bor(band(a, 0xff000000), band(b, 0xff0000), band(c, 0xff00),
    band(d, 0xff))), key))
end

local function encrypt_block(words, block)
  local a, b = bxor(word_be(block, 1), words[0]), bxor(word_be(block, 5), words[1])
  local c, d = bxor(word_be(block, 9), words[2]), bxor(word_be(block, 13), words[3])
  for at = 4, 4 * kRounds - 4, 4 do
    a, b, c, d = column(a, b, c, d, words[at]), column(b, c, d, a, words[at + 1]),
      column(c, d, a, b, words[at + 2]), column(d, a, b, c, words[at + 3])
  end
  local at = 4 * kRounds
  return last_column(a, b, c, d, words[at]) .. last_column(b, c, d, a, words[at + 1]) ..
    last_column(c, d, a, b, words[at + 2]) .. last_column(d, a, b, c, words[at + 3])
end

-- GHASH, four bits at a time (Shoup's tables): what the bits that fall out come back as, and the
-- multiples of the key by every four bits.
local function shift_right(words)
  local carried = band(words[4], 1)
  local out = {
    rshift(words[1], 1),
    bor(lshift(words[1], 31), rshift(words[2], 1)),
    bor(lshift(words[2], 31), rshift(words[3], 1)),
    bor(lshift(words[3], 31), rshift(words[4], 1)),
  }
  if carried == 1 then out[1] = bxor(out[1], 0xe1000000) end
  return out
end

local reduced = {}
for value = 0, 15 do
  local words = { 0, 0, 0, value }
  for _ = 1, 4 do words = shift_right(words) end
  reduced[value] = words[1]
end

local function multiples_of(key)
  local multiples = { [0] = { 0, 0, 0, 0 } }
  local words = { word_be(key, 1), word_be(key, 5), word_be(key, 9), word_be(key, 13) }
  for _, value in ipairs({ 8, 4, 2, 1 }) do
    multiples[value] = words
    words = shift_right(words)
  end
  for value = 1, 15 do
    local sum = { 0, 0, 0, 0 }
    for _, part in ipairs({ 8, 4, 2, 1 }) do
      if band(value, part) ~= 0 then
        for at = 1, 4 do sum[at] = bxor(sum[at], multiples[part][at]) end
      end
    end
    multiples[value] = multiples[value] or sum
  end
  return multiples
end

local function multiply(multiples, text)
  local a, b, c, d = 0, 0, 0, 0
  for at = 16, 1, -1 do
    local value = byte(text, at)
    for _, part in ipairs({ band(value, 15), rshift(value, 4) }) do
      local out = reduced[band(d, 15)]
      d = bor(rshift(d, 4), lshift(c, 28))
      c = bor(rshift(c, 4), lshift(b, 28))
      b = bor(rshift(b, 4), lshift(a, 28))
      a = bxor(rshift(a, 4), out)
      local more = multiples[part]
      a, b, c, d = bxor(a, more[1]), bxor(b, more[2]), bxor(c, more[3]), bxor(d, more[4])
    end
  end
  return bytes_be(a) .. bytes_be(b) .. bytes_be(c) .. bytes_be(d)
end

local function ghash(multiples, text)
  local sum = string.rep("\0", 16)
  for at = 1, #text, 16 do
    sum = multiply(multiples, xor_text(sum, text:sub(at, at + 15)))
  end
  return sum
end

local function lengths_be(aad, sealed)
  return bytes_be(0) .. bytes_be(8 * #aad) .. bytes_be(0) .. bytes_be(8 * #sealed)
end

-- What a key is made into once.
function aead.aes256gcm(key)
  local words = expand_key(key)
  return { words = words, multiples = multiples_of(encrypt_block(words, string.rep("\0", 16))) }
end

-- The plain text, or nil where the tag is not right.
local function open_aes(key, nonce, aad, sealed, tag)
  local hash = ghash(key.multiples, pad16(aad) .. pad16(sealed) .. lengths_be(aad, sealed))
  if xor_text(hash, encrypt_block(key.words, nonce .. bytes_be(1))) ~= tag then return nil end
  local out = {}
  for at = 1, #sealed, 16 do
    local part = sealed:sub(at, at + 15)
    out[#out + 1] = xor_text(part, encrypt_block(key.words, nonce .. bytes_be((at + 31) / 16)))
  end
  return table.concat(out)
end

local function quarter_round(state, a, b, c, d)
  local function half(first, second)
    state[a] = unsigned(state[a] + state[b])
    state[d] = unsigned(rotate_right(bxor(state[d], state[a]), 32 - first))
    state[c] = unsigned(state[c] + state[d])
    state[b] = unsigned(rotate_right(bxor(state[b], state[c]), 32 - second))
  end
  half(16, 12)
  half(8, 7)
end

local function chacha_block(key, nonce, counter)
  local start = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }
  for at = 1, 32, 4 do start[#start + 1] = word_le(key, at) end
  start[13] = counter
  for at = 1, 12, 4 do start[#start + 1] = word_le(nonce, at) end
  local state = { (table.unpack or unpack)(start) }
  for _ = 1, 10 do
    for at = 1, 4 do quarter_round(state, at, at + 4, at + 8, at + 12) end
    quarter_round(state, 1, 6, 11, 16)
    quarter_round(state, 2, 7, 12, 13)
    quarter_round(state, 3, 8, 9, 14)
    quarter_round(state, 4, 5, 10, 15)
  end
  local out = {}
  for at = 1, 16 do out[at] = bytes_le(unsigned(state[at] + start[at])) end
  return table.concat(out)
end

-- Poly1305 over limbs of 13 bits: sums of products stay far below 2^53, where numbers are exact.
local kLimbs, kLimb = 10, 8192

local function limbs_of(text)
  local limbs, value, weight, index = {}, 0, 1, 1
  for at = 1, #text do
    value = value + byte(text, at) * weight
    weight = weight * 256
    while weight >= kLimb do
      limbs[index], index = value % kLimb, index + 1
      value, weight = math.floor(value / kLimb), weight / kLimb
    end
  end
  limbs[index] = value
  for at = 1, kLimbs do limbs[at] = limbs[at] or 0 end
  return limbs
end

local function carry(limbs)
  local over = 0
  for at = 1, kLimbs do
    local value = limbs[at] + over
    limbs[at], over = value % kLimb, math.floor(value / kLimb)
  end
  return over
end

local function multiply_limbs(left, right)
  local out = {}
  for at = 1, kLimbs do
    local sum = 0
    for index = 1, kLimbs do
      local other = at - index + 1
      -- 2^130 is 5: what goes beyond comes back five times.
      sum = sum + left[index] * (other >= 1 and right[other] or 5 * right[other + kLimbs])
    end
    out[at] = sum
  end
  for _ = 1, 3 do
    local over = carry(out)
    out[1] = out[1] + 5 * over
  end
  return out
end

local function poly1305(key, text)
  local clamp = { 255, 255, 255, 15, 252, 255, 255, 15, 252, 255, 255, 15, 252, 255, 255, 15 }
  local r = {}
  for at = 1, 16 do r[at] = char(band(byte(key, at), clamp[at])) end
  local factor, sum = limbs_of(table.concat(r)), limbs_of("")
  for at = 1, #text, 16 do
    local block = limbs_of(text:sub(at, at + 15) .. "\1")
    for index = 1, kLimbs do sum[index] = sum[index] + block[index] end
    sum = multiply_limbs(sum, factor)
  end
  -- Less the prime 2^130 - 5, where it is not below that.
  local less = { sum[1] + 5 }
  for at = 2, kLimbs do less[at] = sum[at] end
  if carry(less) > 0 then sum = less end
  local added = limbs_of(key:sub(17, 32))
  for at = 1, kLimbs do sum[at] = sum[at] + added[at] end
  carry(sum)
  local out, value, weight, index = {}, 0, 1, 1
  while #out < 16 do
    if weight < 256 then
      value, weight, index = value + sum[index] * weight, weight * kLimb, index + 1
    end
    out[#out + 1] = char(value % 256)
    value, weight = math.floor(value / 256), weight / 256
  end
  return table.concat(out)
end

function aead.chacha20poly1305(key) return { chacha = key } end

local function open_chacha(key, nonce, aad, sealed, tag)
  local lengths = bytes_le(#aad) .. bytes_le(0) .. bytes_le(#sealed) .. bytes_le(0)
  local once = chacha_block(key.chacha, nonce, 0):sub(1, 32)
  if poly1305(once, pad16(aad) .. pad16(sealed) .. lengths) ~= tag then return nil end
  local out = {}
  for at = 1, #sealed, 64 do
    local part = sealed:sub(at, at + 63)
    out[#out + 1] = xor_text(part, chacha_block(key.chacha, nonce, (at + 63) / 64))
  end
  return table.concat(out)
end

-- The plain text of `text`, which ends with its tag, or nil.
function aead.open(key, nonce, aad, text)
  local open = key.chacha and open_chacha or open_aes
  return open(key, nonce, aad, text:sub(1, -17), text:sub(-16))
end

local crc_table = {}
for value = 0, 255 do
  local crc = value
  for _ = 1, 8 do
    crc = band(crc, 1) == 1 and bxor(rshift(crc, 1), 0x82f63b78) or rshift(crc, 1)
  end
  crc_table[value] = crc
end

function aead.crc32c(text)
  local crc = 0xffffffff
  for at = 1, #text do
    crc = bxor(rshift(crc, 8), crc_table[band(bxor(crc, byte(text, at)), 255)])
  end
  return unsigned(bits.bnot(crc))
end

return aead
