# Writes blocks.txt: rules of framing.blocks, datagrams, and what is in them.
#
# A third opinion beside the TypeScript and the C++ splitter: datagrams are put together from their
# parts with `struct`, so that what is in them is known without splitting anything, and then
# damaged in ways that are known to be faults. Run: python3 make_blocks.py > blocks.txt
import random
import struct

FORMATS = {"u8": "B", "u16le": "<H", "u16be": ">H", "u32le": "<I", "u32be": ">I"}

# name, header bytes, offset and type of the count, type of the length, does it count itself,
# counts that stand for something else
RULES = [
    ("moldudp64", 20, 18, "u16be", "u16be", False, [0xFFFF]),
    ("tiny", 1, 0, "u8", "u8", False, []),
    ("inclusive", 4, 1, "u8", "u16le", True, [0xFE, 0xFF]),
    ("wide", 12, 3, "u32le", "u32be", False, []),
    ("wide-inclusive", 7, 3, "u32be", "u32le", True, [0xFFFFFFFF]),
    ("mixed", 6, 0, "u16le", "u8", True, [7]),
]


class Rule:
    def __init__(self, name, header, offset, count, length, includes, empties):
        self.name, self.header, self.offset = name, header, offset
        self.count, self.length, self.includes, self.empties = count, length, includes, empties
        self.width = struct.calcsize(FORMATS[length])

    def line(self):
        empties = ",".join(map(str, self.empties)) or "-"
        parts = [self.name, self.header, self.offset, self.count, self.length]
        return " ".join(map(str, ["rule", *parts, int(self.includes), empties]))

    def head(self, count, fill=0xA5):
        head = bytearray([fill]) * self.header
        struct.pack_into(FORMATS[self.count], head, self.offset, count)
        return bytes(head)

    def block(self, message, more=0):
        value = len(message) + more + (self.width if self.includes else 0)
        return struct.pack(FORMATS[self.length], value) + message

    def datagram(self, messages):
        return self.head(len(messages)) + b"".join(map(self.block, messages))


def text(data):
    return data.hex() or "-"


def good(datagram, messages):
    print("good", text(datagram), *map(text, messages))


def bad(datagram):
    print("bad", text(datagram))


def vectors(rule, source):
    print(rule.line())
    some = [b"first", b"", bytes(range(40)), b"\x00", b"last one"]
    good(rule.head(0), [])
    for empty in rule.empties:
        good(rule.head(empty), [])
        bad(rule.head(empty) + rule.block(b"x"))
        bad(rule.head(empty) + b"\x00")
    good(rule.datagram(some), some)
    good(rule.datagram([b""] * 5), [b""] * 5)
    good(rule.datagram([b"alone"]), [b"alone"])
    whole = rule.datagram(some)
    for cut in range(len(whole)):
        bad(whole[:cut])
    bad(whole + b"\x00")
    bad(whole + rule.block(b""))
    blocks = b"".join(map(rule.block, some))
    bad(rule.head(len(some) - 1) + blocks)
    bad(rule.head(len(some) + 1) + blocks)
    bad(rule.head(1) + rule.block(b"abc", more=1))
    bad(rule.head(1) + rule.block(b"abc", more=-1))
    bad(rule.head(1) + struct.pack(FORMATS[rule.length], 256**rule.width - 1))
    if rule.includes:
        for value in range(rule.width):
            bad(rule.head(1) + struct.pack(FORMATS[rule.length], value))
    for _ in range(12):
        sizes = [source.randrange(60) for _ in range(source.randrange(1, 7))]
        if len(sizes) in rule.empties:
            continue
        messages = [source.randbytes(size) for size in sizes]
        good(rule.datagram(messages), messages)


def main():
    print("# Made by make_blocks.py; no line is written by hand.")
    print("# rule NAME HEADER_BYTES COUNT_OFFSET COUNT LENGTH INCLUDES_LENGTH EMPTY_COUNTS, then its")
    print("# datagrams: good DATAGRAM MESSAGE … or bad DATAGRAM, in hexadecimal; -: no bytes, none.")
    source = random.Random(64)
    for rule in RULES:
        vectors(Rule(*rule), source)


main()
