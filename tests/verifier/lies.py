"""Ways to lie with a bundle: how each is made, and what the verifier must name in its answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.verifier.bundles import (
    ADA,
    BOB,
    EVE,
    EVIDENCE,
    MODEL,
    ORIGIN,
    OWNER,
    POLICY_SET,
    UPGRADED,
    Writer,
    b64,
    history,
    key_of,
    note,
    root,
    sha256,
    ssh_sign,
)

Files = dict[str, bytes]


def flip(name: str, at: int = -1) -> Callable[[], Files]:
    """Change one bit of one file of a good bundle."""

    def tamper() -> Files:
        files = history().files()
        data = bytearray(files[name])
        data[at] ^= 1
        return {**files, name: bytes(data)}

    return tamper


def without(name: str) -> Callable[[], Files]:
    return lambda: {key: data for key, data in history().files().items() if key != name}


def told(change: Callable[[Writer], Any]) -> Callable[[], Files]:
    """A log whose writer signs the lie itself."""

    def write_lie() -> Files:
        writer = history()
        change(writer)
        return writer.files()

    return write_lie


def record(index: int, **changes: Any) -> Callable[[], Files]:
    return told(lambda writer: writer.records[index].update(changes))


def promote(*approvals: Callable[[Writer], str], **more: Any) -> Callable[[], Files]:
    def change(writer: Writer) -> None:
        names = [approve(writer) for approve in approvals]
        writer.add("model.promote", facts={"approvals": names}, **{"by": EVE, **more})

    return told(change)


def id_of(index: int) -> str:
    return f"0192f6a0-{index:04x}-7000-8000-0000000000ff"


def drop_record() -> Files:
    """Leave a record out of entries and tiles, but keep the signed checkpoint."""
    writer = history()
    whole = writer.files()
    del writer.records[3]
    writer.records.append(history().records[6])
    return {**writer.files(), "log/checkpoint": whole["log/checkpoint"]}


def swap_records() -> Files:
    writer = history()
    whole = writer.files()
    records = writer.records
    records[4], records[5] = records[5], records[4]
    return {**writer.files(), "log/checkpoint": whole["log/checkpoint"]}


def other_key() -> Files:
    return history(log_key=key_of(8)).files()


def fork() -> Files:
    """Two histories signed by the log: an earlier checkpoint is not of this one."""
    writer = history()
    lie = note(f"{ORIGIN}\n4\n{b64(sha256(b'another'))}\n", writer.log_key)
    return {**writer.files(), f"log/checkpoints/{4:020}": lie}


def changed(name: str, **more: Any) -> Callable[[], Files]:
    def change() -> Files:
        files = history().files()
        return {**files, name: json.dumps({**json.loads(files[name]), **more}).encode()}

    return change


def forged(by: int = 7, namespace: bytes = b"freehold-approval") -> Callable[[], Files]:
    def change() -> Files:
        files = history().files()
        message = files[f"approvals/{id_of(4)}.json"]
        signature = ssh_sign(message, key_of(by), namespace)
        return {**files, f"approvals/{id_of(4)}.sig": signature}

    return change


def moved_receipt() -> Files:
    files = history().files()
    first, last = (f"receipts/{id_of(index)}.tlog-proof" for index in (0, 7))
    return {**files, first: files[last]}


def receipt_without_its_last_step() -> Files:
    files = history().files()
    name = f"receipts/{id_of(7)}.tlog-proof"
    proof, checkpoint = files[name].split(b"\n\n", 1)
    return {**files, name: proof.rsplit(b"\n", 1)[0] + b"\n\n" + checkpoint}


def receipt_by_an_older_checkpoint() -> Files:
    """With the steps that a naive prover finds for a leaf which isn't there."""
    writer = history()
    leaves = writer.leaves()
    steps = "".join(f"{b64(step)}\n" for step in (leaves[4], root(leaves[:4])))
    proof = f"c2sp.org/tlog-proof@v1\nindex 7\n{steps}\n".encode()
    return {**writer.files(), f"receipts/{id_of(7)}.tlog-proof": proof + writer.checkpoint(5)}


def entry_left_out() -> Files:
    files = history().files()
    last = history().entries()[-1]
    return {**files, ENTRIES: files[ENTRIES][: -2 - len(last)]}


def promise_of_something_else() -> Files:
    writer = history()
    text = history().promise(0).decode().split("\n\n")[0].replace("promise", "wish") + "\n"
    return {**writer.files(), f"promises/{id_of(0)}.note": note(text, writer.log_key)}


def body_with_more_keys() -> Files:
    writer = history()
    plain = writer.bodies[id_of(1)]
    writer.bodies[id_of(1)] = plain = plain[:-1] + b',"results":1}'
    commitment = sha256(b"freehold/body/v1\0" + plain).hex()
    writer.records[1]["body"]["commitment"] = f"sha256:{commitment}"
    return writer.files()


def approved_later() -> Files:
    writer = history()
    writer.add("model.promote", by=EVE, facts={"approvals": [id_of(9)]})
    writer.approve(ADA)
    return writer.files()


def other_details() -> Files:
    files = history().files()
    name = f"bodies/{id_of(1)}.bin"
    return {**files, name: files[name].replace(b"[0.1,", b"[0.2,")}


ENTRIES, TILE = "log/tile/entries/000.p/8", "log/tile/0/000.p/8"
ADA_S, BOB_S = id_of(4), id_of(5)
ESTATE_RESOURCE = history().records[0]["resource"]
DENIED = {**history().records[7]["decision"]}
NOT_SAID = "what was signed is not what its record says"
LATE = "2026-11-24T06:00:01.000000Z"
LIES: dict[str, tuple[Callable[[], Files], str]] = {
    "one bit of an entry": (flip(ENTRIES, 40), TILE),
    "one bit of an entry's length": (flip(ENTRIES, 1), ENTRIES),
    "an entry cut short": (flip(ENTRIES, 0), ENTRIES),
    "one bit of a hash tile": (flip(TILE), TILE),
    "one bit of the checkpoint's signature": (flip("log/checkpoint", -8), "log/checkpoint"),
    "one bit of the checkpoint's root": (flip("log/checkpoint", 60), "log/checkpoint"),
    "one bit of an earlier checkpoint": (
        flip(f"log/checkpoints/{4:020}", -8),
        f"log/checkpoints/{4:020}",
    ),
    "an earlier checkpoint under another size": (
        lambda: {
            **history().files(),
            f"log/checkpoints/{5:020}": history().checkpoint(4),
        },
        f"log/checkpoints/{5:020}",
    ),
    "an earlier checkpoint of another history": (fork, f"log/checkpoints/{4:020}"),
    "an earlier checkpoint that is larger": (
        lambda: {
            **history().files(),
            f"log/checkpoints/{9:020}": Writer(records=history().records * 2).checkpoint(9),
        },
        "rewound",
    ),
    "one bit of a receipt": (flip(f"receipts/{id_of(0)}.tlog-proof", 40), id_of(0)),
    "the receipt of another record": (moved_receipt, f"receipts: DOES NOT HOLD: {id_of(0)}"),
    "a receipt without its last step": (receipt_without_its_last_step, id_of(7)),
    "a receipt by a checkpoint before its record": (
        receipt_by_an_older_checkpoint,
        "older than its record",
    ),
    "one bit of a promise": (
        flip(f"promises/{id_of(0)}.note", -8),
        f"promises: DOES NOT HOLD: {id_of(0)}",
    ),
    "a promise of another place": (
        lambda: {**history().files(), f"promises/{id_of(0)}.note": history().promise(7)},
        "not kept",
    ),
    "a promise of something else": (promise_of_something_else, "not a promise of this log"),
    "a body with more keys": (body_with_more_keys, "odd keys"),
    "one bit of a body": (flip(f"bodies/{id_of(1)}.bin"), id_of(1)),
    "one bit of a body's salt": (flip(f"bodies/{id_of(1)}.bin", 0), id_of(1)),
    "a body with other details": (other_details, "not the body committed to"),
    "a body that answers another request": (
        told(lambda w: w.records[1]["decision"].update(request=EVIDENCE)),
        "not the request that was decided",
    ),
    "one bit of a signed message": (flip(f"approvals/{ADA_S}.json", 12), ADA_S),
    "one bit of an approval's signature": (flip(f"approvals/{ADA_S}.sig", 80), ADA_S),
    "an approval signed by somebody else's key": (forged(3), ADA),
    "an approval signed by an unknown key": (forged(7), ADA),
    "an approval signed for another purpose": (forged(2, b"file"), "another namespace"),
    "a dropped record": (drop_record, "log/checkpoint"),
    "swapped records": (swap_records, "log/checkpoint"),
    "a log signed by another key": (other_key, "not signed, once, by the log's key"),
    "no checkpoint": (without("log/checkpoint"), "there is no log/checkpoint"),
    "a garbled checkpoint": (
        lambda: {**history().files(), "log/checkpoint": b"x"},
        "log/checkpoint: a note that is not signed",
    ),
    "an entry left out at the end": (entry_left_out, f"{ENTRIES}: it has 7 entries"),
    "no entries": (without(ENTRIES), ENTRIES),
    "no hash tile": (without(TILE), TILE),
    "no disclosed body": (without(f"bodies/{id_of(1)}.bin"), f"bodies/{id_of(1)}.bin"),
    "no signed message": (without(f"approvals/{ADA_S}.json"), f"approvals/{ADA_S}.json"),
    "no signature": (without(f"approvals/{ADA_S}.sig"), f"approvals/{ADA_S}.sig"),
    "a body that is not listed": (changed("bundle.json", disclosed=[]), "not listed"),
    "a trial that is not called one": (
        changed("bundle.json", trial=False),
        "wrong on whether it is a trial",
    ),
    "a log that is named as no trial's": (
        told(lambda w: w.records[0]["facts"].update(trial=False)),
        "wrong on whether it is a trial",
    ),
    "another size": (changed("bundle.json", size=9), "there is no log/tile/entries/000.p/9"),
    "another origin": (changed("bundle.json", origin="elsewhere"), f"of another log, {ORIGIN}"),
    "another estate": (changed("bundle.json", estate=id_of(0)), "another estate"),
    "a receipt for no record": (
        lambda: {**history().files(), f"receipts/{id_of(99)}.tlog-proof": b"x"},
        id_of(99),
    ),
    "a body for no record": (
        lambda: {**history().files(), f"bodies/{id_of(99)}.bin": b"x"},
        id_of(99),
    ),
    "an approval for a record that is none": (
        lambda: {**history().files(), f"approvals/{id_of(3)}.json": b"{}"},
        "is no approval",
    ),
    "self-approval": (promote(lambda w: w.approve(EVE)), "the act's own principal"),
    "approval by whom the act was for": (
        promote(lambda w: w.approve(ADA), on_behalf=ADA),
        "the act's own principal",
    ),
    "one person who approves twice": (
        promote(lambda w: w.approve(ADA), lambda w: w.approve(ADA)),
        "one person twice",
    ),
    "approval of another act": (
        promote(lambda w: w.approve(ADA, act="model.deploy")),
        "another act",
    ),
    "approval of another thing": (
        promote(lambda w: w.approve(ADA), on=MODEL[:-1] + "5"),
        "another act, resource",
    ),
    "approval of other evidence": (
        told(
            lambda w: w.add(
                "model.promote",
                by=EVE,
                facts={"approvals": [w.approve(ADA)], "evidence": POLICY_SET},
            )
        ),
        "or evidence",
    ),
    "an approval that was used before": (
        told(lambda w: w.add("model.promote", by=EVE, facts={"approvals": [ADA_S]})),
        f"{ADA_S} was used before",
    ),
    "approval by a record that is none": (promote(lambda w: id_of(3)), "no earlier approval"),
    "approval by a ratification": (promote(lambda w: id_of(1)), "no earlier approval"),
    "approval by nothing": (promote(lambda w: id_of(99)), "no earlier approval"),
    "approval by something odd": (promote(lambda w: ["x"]), "no earlier approval"),  # type: ignore[arg-type, return-value]
    "approval after the act": (approved_later, "no earlier approval"),
    "approvals that are no list": (record(6, facts={"approvals": "yes"}), "no earlier approval"),
    "an approval used after it expired": (
        promote(
            lambda w: w.approve(ADA, until="2026-11-24T06:00:09.000000Z"),
            time="2026-11-24T06:00:10.000000Z",
        ),
        "had expired",
    ),
    "an approval given after it expired": (told(lambda w: w.approve(ADA, until=LATE)), "expired"),
    "a replayed nonce": (
        told(lambda w: [w.approve(who, nonce="0" * 32) for who in (ADA, BOB)]),
        "nonce was used before",
    ),
    "a nonce that is none": (told(lambda w: w.approve(ADA, nonce="once")), "approval.md"),
    "an approval signed for another estate": (
        told(lambda w: w.approve(ADA, estate=id_of(0))),
        NOT_SAID,
    ),
    "an approval signed for another policy set": (
        told(lambda w: w.approve(ADA, policy_set=EVIDENCE)),
        NOT_SAID,
    ),
    "an approval signed for another evidence": (
        told(lambda w: w.approve(ADA, evidence=POLICY_SET)),
        NOT_SAID,
    ),
    "an approval signed as another person": (
        told(lambda w: w.approve(ADA, approver=BOB)),
        NOT_SAID,
    ),
    "an approval signed with more keys": (told(lambda w: w.approve(ADA, also=1)), NOT_SAID),
    "a ratification signed for another charter": (
        told(lambda w: w.approve(OWNER, act="charter.ratify", evidence=POLICY_SET)),
        NOT_SAID,
    ),
    "a ratification under another policy set": (
        told(lambda w: w.records[1]["decision"].update(policy_set=EVIDENCE)),
        NOT_SAID,
    ),
    "a log that does not begin with its estate": (
        record(0, act="dataset.ingest"),
        "begins without estate.create",
    ),
    "a record of another log": (record(2, log="estate/other/main"), "another log"),
    "an id used twice": (record(3, id=id_of(2), continues=None), "used twice"),
    "an end without a start": (record(3, continues=id_of(1)), "no earlier start"),
    "an end of another act": (record(3, act="model.tune"), "no earlier start"),
    "an end after the end": (
        told(lambda w: w.add("model.train", by=EVE, continues=id_of(2))),
        "ended before",
    ),
    "something done though denied": (record(6, decision=DENIED), "done though denied"),
}
CLOCK: dict[str, Any] = {"error_ms": 12, "state": "synchronized"}
ODD_CLOCKS: dict[str, tuple[str, Any]] = {
    "a clock and the first version": ("v", 1),
    "a clock of which nothing is said": ("clock", {}),
    "a clock that is said to be fine": ("clock", CLOCK | {"state": "fine"}),
    "an error of the clock before it": ("clock", CLOCK | {"error_ms": -1}),
    "more about the clock": ("clock", CLOCK | {"source": "ntp"}),
}
ODD_RECORDS: dict[str, tuple[str, Any]] = {
    "another version": ("v", 3),
    "a version that tells of the clock, and does not": ("v", 2),
    "a clock before its version": ("clock", CLOCK),
    "a version of another type": ("v", True),
    "an id that is no UUIDv7": ("id", "0192f6a0-0002-4000-8000-0000000000ff"),
    "a time without microseconds": ("time", "2026-11-24T06:00:00Z"),
    "a day that is none": ("time", "2026-02-30T06:00:00.000000Z"),
    "a principal by name": ("principal", "user:ada"),
    "a vendor as principal": ("principal", "vendor:" + id_of(0)),
    "another phase": ("phase", "maybe"),
    "a resource by name": ("resource", "model:triage@4"),
    "an input that is none": ("inputs", ["Claims 2026"]),
    "an output with a name": ("outputs", [{"ref": MODEL, "name": "x"}]),
    "a purpose in words": ("purpose", "to triage claims"),
    "a decision without its policies": ("decision", {"result": "allow"}),
    "facts that are none": ("facts", []),
    "an error in words": ("error", "it did not work"),
    "a body without its place": ("body", {"domain": id_of(0), "commitment": EVIDENCE}),
}
LIES |= {
    f"a record with {what}": (record(2, **{key: value}), "2: ")
    for what, (key, value) in ODD_RECORDS.items()
}
LIES |= {
    f"a record with {what}": (record(UPGRADED, **{key: value}), f"{UPGRADED}: ")
    for what, (key, value) in ODD_CLOCKS.items()
}
LIES["a record with another key"] = (record(2, note="x"), "2: not as docs/formats/record.md says")
LIES["a record without a key"] = (
    told(lambda w: w.records[2].pop("purpose")),
    "2: not as docs/formats/record.md says",
)
