# Writes frames.txt: Ethernet frames with UDP datagrams that the Linux kernel has built.
#
# Sends datagrams over a pair of virtual interfaces, with IP options that setsockopt asks for and
# the kernel completes, and captures what leaves on the other side. Checksums are the kernel's own:
# the interface is told not to leave them to hardware. Run as root, in a network of its own:
#   unshare --net python3 capture_frames.py > frames.txt
import array
import fcntl
import socket
import struct
import subprocess

ETH_P_IP = 0x0800
IP_OPTIONS = 4
IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO = 10, 0, 2
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17

# name, IP options, type of service, time to live, don't fragment, payload
DATAGRAMS = [
    ("plain", b"", 0x00, 64, False, b"hello, world"),
    ("empty", b"", 0xB8, 64, True, b""),
    ("odd", b"", 0x02, 1, False, b"odd"),
    ("router-alert", b"\x94\x04\x00\x00", 0xC0, 255, False, b"router alert"),
    ("no-operations", b"\x01" * 4 + b"\x00" * 4, 0x29, 64, True, bytes(range(32))),
    ("record-route", b"\x07\x0b\x04" + bytes(8) + b"\x00", 0x00, 64, False, b"recorded"),
    ("timestamp", b"\x44\x0c\x05\x00" + bytes(8), 0x01, 9, False, b"stamped"),
    ("longest-header", b"\x07\x27\x04" + bytes(36) + b"\x00", 0x48, 64, True, b"forty bytes"),
    ("fragments", b"\x94\x04\x00\x00", 0x00, 64, False, bytes(i % 251 for i in range(260))),
]


def run(*words):
    subprocess.run(["ip", *words], check=True)


def set_up():
    run("link", "add", "sender", "type", "veth", "peer", "name", "catcher")
    run("link", "set", "sender", "address", "02:00:00:00:00:0a", "mtu", "200")
    run("link", "set", "catcher", "address", "02:00:00:00:00:0b", "mtu", "200")
    run("link", "set", "sender", "up")
    run("link", "set", "catcher", "up")
    run("address", "add", "192.0.2.1/24", "dev", "sender")
    run("neighbour", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:0b", "dev", "sender")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        off = array.array("I", [ETHTOOL_STXCSUM, 0])
        address, _ = off.buffer_info()
        fcntl.ioctl(control, SIOCETHTOOL, struct.pack("16sP", b"sender", address))


def send(options, tos, ttl, is_whole, payload):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        out.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        discover = IP_PMTUDISC_DO if is_whole else IP_PMTUDISC_DONT
        out.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, discover)
        if options:
            out.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, options)
        out.bind(("192.0.2.1", 40000 + tos))
        out.sendto(payload, ("192.0.2.2", 5353))


def main():
    set_up()
    print("# Captured by capture_frames.py; no line is written by hand.")
    print("# NAME IP_OPTIONS TYPE_OF_SERVICE TIME_TO_LIVE DONT_FRAGMENT PAYLOAD FRAME …")
    print("# What was asked for, and the frames that left, in hexadecimal; -: no bytes.")
    catcher = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    catcher.bind(("catcher", ETH_P_IP))
    catcher.settimeout(0.3)
    for name, options, tos, ttl, is_whole, payload in DATAGRAMS:
        send(options, tos, ttl, is_whole, payload)
        frames = []
        try:
            while True:
                frames.append(catcher.recv(2000))
        except TimeoutError:
            pass
        hexed = [data.hex() or "-" for data in (options, payload)]
        print(name, hexed[0], tos, ttl, int(is_whole), hexed[1], *(f.hex() for f in frames))


main()
