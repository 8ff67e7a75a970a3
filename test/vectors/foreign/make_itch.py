# Writes itch.json: messages of NASDAQ TotalView-ITCH 5.0 and MoldUDP64 datagrams around them.
#
# Put together by hand from the field tables of the two specifications, with `struct` alone, so that
# nothing of the package has a part in them. Integers that JavaScript has as bigints are strings.
# Run: python3 make_itch.py > itch.json
import json
import struct


def timestamp(nanoseconds):
    """48 bits have no format character: two bytes and four."""
    return struct.pack(">HI", nanoseconds >> 32, nanoseconds & 0xFFFFFFFF)


def header(letter, values):
    numbers = struct.pack(">HH", values["stockLocate"], values["trackingNumber"])
    reference = struct.pack(">Q", values["orderReference"])
    return letter + numbers + timestamp(values["timestamp"]) + reference


def add_order(values):
    side = {"buy": b"B", "sell": b"S"}[values["side"]]
    stock = values["stock"].encode("ascii").ljust(8, b" ")
    tail = struct.pack(">cI8sI", side, values["shares"], stock, values["price"])
    return header(b"A", values) + tail


def order_executed(values):
    tail = struct.pack(">IQ", values["executedShares"], values["matchNumber"])
    return header(b"E", values) + tail


def order_cancel(values):
    return header(b"X", values) + struct.pack(">I", values["cancelledShares"])


BUILD = {"AddOrder": add_order, "OrderExecuted": order_executed, "OrderCancel": order_cancel}
SIZES = {"AddOrder": 36, "OrderExecuted": 31, "OrderCancel": 23}
WIDE = ("orderReference", "matchNumber", "sequence")


def common(locate, tracking, at, reference):
    return dict(
        stockLocate=locate, trackingNumber=tracking, timestamp=at, orderReference=reference
    )


MESSAGES = [
    (
        "AddOrder",
        common(1, 0, 34_200_000_000_123, 42)
        | dict(side="buy", shares=300, stock="AAPL", price=1_895_000),
    ),
    (
        "AddOrder",
        common(0xFFFF, 0xFFFF, 2**48 - 1, 2**64 - 1)
        | dict(side="sell", shares=2**32 - 1, stock="ABCDEFGH", price=2**32 - 1),
    ),
    (
        "AddOrder",
        common(0, 0, 0, 0) | dict(side="sell", shares=0, stock="Z", price=0),
    ),
    (
        "AddOrder",
        common(0x0102, 0x0304, 0x05060708090A, 0x0B0C0D0E0F101112)
        | dict(side="buy", shares=0x14151617, stock="BRK.A", price=0x20212223),
    ),
    (
        "OrderExecuted",
        common(1, 2, 57_599_999_999_999, 42) | dict(executedShares=100, matchNumber=9_007_199_254_740_993),
    ),
    (
        "OrderExecuted",
        common(0x8000, 0x7FFF, 2**47, 2**63) | dict(executedShares=2**31, matchNumber=2**64 - 1),
    ),
    ("OrderCancel", common(1, 2, 34_200_000_000_124, 42) | dict(cancelledShares=200)),
    (
        "OrderCancel",
        common(0x0102, 0x0304, 0x05060708090A, 0x0B0C0D0E0F101112)
        | dict(cancelledShares=0x13141516),
    ),
]


def jsonable(values):
    return {name: str(value) if name in WIDE else value for name, value in values.items()}


def build(entry):
    name, values = entry
    made = BUILD[name](values)
    assert len(made) == SIZES[name]
    return made


def datagram(session, sequence, count, messages):
    head = struct.pack(">10sQH", session.encode("ascii").ljust(10, b" "), sequence, count)
    blocks = b"".join(struct.pack(">H", len(data)) + data for data in messages)
    values = dict(session=session, sequence=sequence, count=count)
    return dict(
        header=jsonable(values),
        messages=[data.hex() for data in messages],
        hex=(head + blocks).hex(),
    )


def main():
    built = [build(entry) for entry in MESSAGES]
    messages = [
        dict(schema=name, values=jsonable(values), hex=data.hex())
        for (name, values), data in zip(MESSAGES, built)
    ]
    datagrams = [
        datagram("SESSION001", 1, len(built), built),
        datagram("S2", 2**64 - 1, 1, built[:1]),
        datagram("SESSION001", 9, 0, []),
        datagram("SESSION001", 9, 0xFFFF, []),
        datagram("", 0x0102030405060708, 3, [built[4], b"", built[6]]),
    ]
    made_by = "make_itch.py; nothing here is written by hand"
    print(json.dumps(dict(madeBy=made_by, messages=messages, datagrams=datagrams), indent=1))


main()
