"""The verbs about datasets: ingest, clear, list, show, open for a purpose, erase."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, BinaryIO

from sqlalchemy import Row, select

from freehold.charter import CharterService
from freehold.data._acts import (
    DATASET,
    DATASET_VERSION,
    TERMS,
    ApplyErasure,
    ClearDataset,
    EraseDataset,
    IngestDataset,
    ReadDataset,
    SetTerms,
    terms_bounds,
    terms_state,
)
from freehold.data._profile import profile
from freehold.data.errors import DataError
from freehold.data.reading import Format, ReadOptions
from freehold.data.terms import Held, State, Terms, day_after, gaps_of
from freehold.kernel import Ref, canonical, check_name, digest, new_id
from freehold.kernel.acts import Actor, NotFound, Output, Pipeline
from freehold.kernel.catalog import ACT, LINK


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset in brief; name and terms are None once erased."""

    ref: str
    name: str | None
    data_class: str
    purposes: tuple[str, ...]
    residency: tuple[str, ...]
    owner: str
    versions: int
    erased_by: str | None


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """One version: what it holds, counted, and its profile (None once erased)."""

    ref: str
    name: str | None
    format: str
    rows: int
    columns: int
    bytes: int
    missing: int
    duplicates: int
    time: str
    is_new: bool
    profile: dict[str, Any] | None
    act: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is said about data at ingest: class, purposes cleared, residency, owner and terms.

    Residency and owner may be empty: the class's residency and the ingesting person then stand.
    """

    data_class: str
    purposes: tuple[str, ...] = ()
    residency: tuple[str, ...] = ()
    owner: str = ""
    terms: str = ""


@dataclass(frozen=True, slots=True)
class StatedTerms:
    """The terms of a dataset as they were stated, and how they stand: `coming`, `in-force` or
    `expired`. Supplier and contract are None once erased; a day without bound is empty.
    """

    dataset: str
    state: State
    supplier: str | None
    contract: str | None
    licence: str
    purposes: tuple[str, ...]
    supplier_uses: tuple[str, ...]
    onward: tuple[str, ...]
    legal_basis: str
    special_basis: str
    starts: str
    expires: str
    keep_until: str
    act: str


@dataclass(frozen=True, slots=True)
class DatasetGap:
    """One gap in the terms of one dataset: its code, and what it means."""

    dataset: str
    name: str | None
    gap: str
    meaning: str


@dataclass(frozen=True, slots=True)
class OpenedDataset:
    """The plain bytes of one version, for as long as they are open, and how to read them."""

    ref: Ref
    format: Format
    stream: BinaryIO
    options: ReadOptions

    def options_json(self) -> dict[str, Any]:
        """The options as a job's parameters."""
        return _options_json(self.options)


class DataService:
    """Datasets of the estate."""

    def __init__(self, pipeline: Pipeline, charter: CharterService) -> None:
        self._pipeline = pipeline
        self._charter = charter

    def ingest(
        self,
        actor: Actor,
        name: str,
        source: BinaryIO,
        *,
        format: Format,
        about: Provenance,
        options: ReadOptions | None = None,
    ) -> DatasetVersion:
        """Check, count and seal a file as a version of the dataset `name`.

        `source` is seekable. Nothing is left behind if the file is refused.

        Raises:
            DataError: the file is malformed; the message says where.
            Denied: policy refuses.
        """
        check_name(name)
        residency = self._residency(about)
        options = options or ReadOptions()
        with self._pipeline.hold(Ref("dataset", name)):
            row = self._named(name)
            ref = Ref("dataset", row.id if row else new_id())
            if row:
                about, residency = self._standing(row, about, residency)
            ingest = IngestDataset(
                data_class=about.data_class,
                purposes=about.purposes,
                residency=residency,
                owner=about.owner or str(actor.principal),
                format=format.value,
            )
            with self._pipeline.perform(actor, ingest, on=ref) as act:
                if row:
                    self._check_class(row.data_class, about.data_class)
                found = profile(source, format, options)
                source.seek(0)
                sealed = self._pipeline.stores.vault.seal(act.domain, source)
                same = self._same_version(ref, sealed.name, format, options)
                versions = row.versions if row else 0
                version = same.version if same else versions + 1
                act.describe(
                    name=name,
                    terms=about.terms,
                    profile=found.as_json(),
                    options=_options_json(options),
                )
                act.conclude(
                    outputs=[Output(ref=str(ref.at(version)), sealed=sealed.sealed_digest)],
                    is_new=same is None,
                    version=max(version, versions),
                    rows=found.rows,
                    columns=len(found.columns),
                    bytes=sealed.size,
                    missing=sum(column.missing for column in found.columns),
                    duplicates=found.duplicate_rows,
                    blob=sealed.name,
                )
        return self._version(ref.at(version), is_new=same is None)

    def clear(self, actor: Actor, dataset: str, *, purposes: Sequence[str]) -> Dataset:
        """Say for which purposes the dataset may be used from now on.

        Raises:
            DataError: a purpose that the charter does not have.
        """
        ref = self.find(dataset).at(None)
        self._check_purposes(purposes)
        with self._pipeline.perform(actor, ClearDataset(purposes=tuple(purposes)), on=ref) as act:
            act.conclude()
        return self._dataset(ref)

    def set_terms(self, actor: Actor, dataset: str, text: str) -> StatedTerms:
        """State the terms that a dataset came under, from a file of terms.

        Raises:
            DataError: the file cannot be read, or names a purpose that the charter does not have.
        """
        ref = self.find(dataset).at(None)
        terms = Terms.parse(text)
        self._check_purposes(terms.purposes)
        act_type = SetTerms(
            licence=terms.licence,
            allowed=terms.purposes,
            supplier_uses=terms.supplier_uses,
            onward=terms.onward,
            legal_basis=terms.legal_basis,
            special_basis=terms.special_basis,
            starts=_day(terms.starts),
            expires=_day(terms.expires),
            keep_until=_day(terms.keep_until),
        )
        with self._pipeline.perform(actor, act_type, on=ref) as act:
            act.describe(supplier=terms.supplier, contract=terms.contract)
            act.conclude()
        return self._terms(ref)

    def terms(self, actor: Actor, dataset: str) -> StatedTerms:
        """The terms that a dataset came under, and how they stand today.

        Raises:
            NotFound: none were stated.
        """
        ref = self.find(dataset).at(None)
        self._pipeline.ask(actor, "dataset.show", on=ref)
        return self._terms(ref)

    def gaps(self, actor: Actor) -> tuple[DatasetGap, ...]:
        """What is missing from the terms of each dataset that is not erased, or lets others do what
        the organisation would not.
        """
        self._pipeline.ask(actor, "dataset.list", on=self._pipeline.circumstances.estate)
        now = self._pipeline.clock.now()
        catalog = self._pipeline.stores.catalog
        kept = select(DATASET).where(DATASET.c.erased_by.is_(None)).order_by(DATASET.c.id)
        stated = {row.id: row for row in catalog.all(select(TERMS))}
        return tuple(
            DatasetGap(f"dataset:{row.id}", row.name, gap.code, gap.meaning)
            for row in catalog.all(kept)
            for gap in gaps_of(_held(row, stated.get(row.id)), now)
        )

    def list(self, actor: Actor) -> tuple[Dataset, ...]:
        """Every dataset, erased ones by their id."""
        self._pipeline.ask(actor, "dataset.list", on=self._pipeline.circumstances.estate)
        rows = self._pipeline.stores.catalog.all(select(DATASET).order_by(DATASET.c.id))
        return tuple(map(_dataset, rows))

    def show(self, actor: Actor, dataset: str) -> DatasetVersion:
        """One version with its profile; the newest where none is named."""
        ref = self.find(dataset)
        self._pipeline.ask(actor, "dataset.show", on=ref.at(None))
        return self._version(ref, is_new=False)

    @contextmanager
    def opened(
        self, actor: Actor, ref: Ref, *, purpose: str, isolation: int
    ) -> Iterator[OpenedDataset]:
        """Open a version for a purpose; policy is asked, and the act recorded, before the first
        byte comes.

        Raises:
            Denied: not cleared for this purpose, class, place or isolation level.
            DomainErased: it was erased.
        """
        row = self._version_row(ref)
        act_type = ReadDataset(isolation=isolation)
        with self._pipeline.perform(
            actor, act_type, on=ref.at(None), purpose=purpose, inputs=(ref,)
        ) as act:
            act.conclude(bytes=row.bytes)
        with self._pipeline.stores.vault.unseal(ref.id, row.blob) as stream:
            options = ReadOptions(**_tuples(json.loads(row.options)))
            yield OpenedDataset(ref, Format(row.format), stream, options)

    def erase(self, actor: Actor, dataset: str) -> str:
        """Destroy the key of the dataset's domain: bytes, names, profiles, for ever.

        Returns the act's id.
        """
        ref = self.find(dataset).at(None)
        estate = self._pipeline.circumstances.estate
        act_type = EraseDataset(evidence=self.evidence(ref))
        with self._pipeline.perform(actor, act_type, on=ref, domain=estate.id) as act:
            act.conclude()
        self.finish_erasures()
        return act.recorded.record.id

    def finish_erasures(self) -> int:
        """Destroy the keys of every dataset that the ledger says is erased; returns how many there
        were left.

        The record is the commit point: after a crash between it and the destruction, opening the
        estate ends here.
        """
        keyring = self._pipeline.stores.keyring
        erased = select(DATASET.c.id).where(DATASET.c.erased_by.is_not(None))
        left = keyring.kept(row.id for row in self._pipeline.stores.catalog.all(erased))
        for domain in left:
            keyring.erase(domain)
        return len(left)

    def erasures(self) -> tuple[tuple[str, str], ...]:
        """Every erased dataset's id, which is that of its key domain, and the record of it."""
        erased = select(DATASET.c.id, DATASET.c.erased_by).where(DATASET.c.erased_by.is_not(None))
        rows = self._pipeline.stores.catalog.all(erased.order_by(DATASET.c.id))
        return tuple((row.id, row.erased_by) for row in rows)

    def apply_erasures(self, erasures: Iterable[tuple[str, str]]) -> None:
        """Record, by the estate itself, erasures that a restored ledger does not know.

        Those that it knows, and those of datasets it never had, are passed over.
        """
        estate = self._pipeline.circumstances.estate
        for domain, act_id in erasures:
            query = select(DATASET.c.erased_by).where(DATASET.c.id == domain)
            row = self._pipeline.stores.catalog.first(query)
            if row is None or row.erased_by is not None:
                continue
            with self._pipeline.perform(
                Actor(Ref("service", estate.id)),
                ApplyErasure(act=act_id),
                on=Ref("dataset", domain),
                domain=estate.id,
            ) as act:
                act.conclude()
        self.finish_erasures()

    def data_class(self, ref: Ref) -> str:
        """The data class of a dataset, for other rooms."""
        return self._dataset(ref).data_class

    def evidence(self, ref: Ref) -> str:
        """What an approver of `dataset.erase` signs: which versions there are."""
        rows = self._pipeline.stores.catalog.all(
            select(DATASET_VERSION.c.version, DATASET_VERSION.c.sealed)
            .where(DATASET_VERSION.c.id == ref.id)
            .order_by(DATASET_VERSION.c.version)
        )
        return digest(canonical([[row.version, row.sealed] for row in rows]))

    def find(self, dataset: str) -> Ref:
        """Resolve `name`, `dataset:name`, `dataset:<id>`, each with or without `@version`, to ids.

        Raises:
            NotFound: no such dataset or version.
        """
        wanted = Ref.parse(dataset if dataset.startswith("dataset:") else f"dataset:{dataset}")
        row = self._named(wanted.id) or self._pipeline.stores.catalog.first(
            select(DATASET).where(DATASET.c.id == wanted.id)
        )
        if row is None or (wanted.version or 1) > row.versions:
            raise NotFound(
                "data.unknown",
                f"there is no {wanted}",
                "see `freehold data list` for what there is",
            )
        return Ref("dataset", row.id, wanted.version or row.versions)

    # -- within ------------------------------------------------------------------------------------

    def _residency(self, about: Provenance) -> tuple[str, ...]:
        charter = self._charter.in_force()
        known = charter.classes.get(about.data_class)
        if known is None:
            raise DataError(
                "data.class",
                f"the charter has no data class {about.data_class!r:.80}; "
                f"it has {', '.join(charter.classes)}",
            )
        self._check_purposes(about.purposes)
        return tuple(about.residency) or tuple(known.residency)

    @staticmethod
    def _standing(
        row: Row[Any], about: Provenance, residency: tuple[str, ...]
    ) -> tuple[Provenance, tuple[str, ...]]:
        """What stands for a dataset that exists: a new version changes its bytes alone.

        Raises:
            DataError: other purposes or places are given than the dataset has.
        """
        purposes, places = tuple(row.purposes.split()), tuple(row.residency.split())
        if about.purposes and set(about.purposes) != set(purposes):
            raise DataError(
                "data.purpose",
                f"{row.name} is cleared for {row.purposes or 'nothing'}, and a new version does "
                "not change that",
                "leave the purposes out, and change them with `freehold data clear`",
            )
        if about.residency and set(residency) != set(places):
            raise DataError(
                "data.residency",
                f"{row.name} has the residency {row.residency}, and a new version does not "
                "change that",
                "leave the residency out, or ingest it as another dataset",
            )
        return replace(about, purposes=purposes, owner=about.owner or row.owner), places

    def _check_purposes(self, purposes: Sequence[str]) -> None:
        known = self._charter.in_force().purposes
        for purpose in purposes:
            if purpose not in known:
                raise DataError(
                    "data.purpose",
                    f"the charter has no purpose {purpose!r:.80}; it has {', '.join(known)}",
                )

    def _named(self, name: str) -> Row[Any] | None:
        return self._pipeline.stores.catalog.first(select(DATASET).where(DATASET.c.name == name))

    def _check_class(self, current: str, wanted: str) -> None:
        """Refuse a version whose class would bring all others of its dataset down with it."""
        classes = self._charter.in_force().classes
        if current in classes and classes[wanted].rank < classes[current].rank:
            raise DataError(
                "data.class",
                f"the dataset is of class {current}; a version of it cannot be {wanted}, "
                "for the class holds for every version",
                f"ingest it as {current}, or under another name",
            )

    def _same_version(
        self, ref: Ref, blob: str, format: Format, options: ReadOptions
    ) -> Row[Any] | None:
        """The version of the same bytes, read in the same way."""
        return self._pipeline.stores.catalog.first(
            select(DATASET_VERSION).where(
                DATASET_VERSION.c.id == ref.id,
                DATASET_VERSION.c.blob == blob,
                DATASET_VERSION.c.format == format.value,
                DATASET_VERSION.c.options == canonical(_options_json(options)).decode(),
            )
        )

    def _version_row(self, ref: Ref) -> Row[Any]:
        row = self._pipeline.stores.catalog.first(
            select(DATASET_VERSION).where(
                DATASET_VERSION.c.id == ref.id, DATASET_VERSION.c.version == ref.version
            )
        )
        if row is None:
            raise NotFound("data.unknown", f"there is no {ref}")
        return row

    def _version(self, ref: Ref, *, is_new: bool) -> DatasetVersion:
        row = self._version_row(ref)
        made = select(LINK.c.position).where(LINK.c.ref == str(ref), LINK.c.direction == "out")
        act = self._pipeline.stores.catalog.first(
            select(ACT.c.id).where(ACT.c.position.in_(made)).order_by(ACT.c.position)
        )
        return DatasetVersion(
            ref=str(ref),
            name=self._dataset(ref).name,
            format=row.format,
            rows=row.rows,
            columns=row.columns,
            bytes=row.bytes,
            missing=row.missing,
            duplicates=row.duplicates,
            time=row.time,
            is_new=is_new,
            profile=json.loads(row.profile) if row.profile else None,
            act=act.id if act else "",
        )

    def _terms(self, ref: Ref) -> StatedTerms:
        row = self._pipeline.stores.catalog.first(select(TERMS).where(TERMS.c.id == ref.id))
        if row is None:
            raise NotFound(
                "data.no_terms",
                f"no terms were stated for {ref}",
                "write them into a file and give it to `freehold data set-terms`",
            )
        state, _ = terms_state(row, self._pipeline.clock.now())
        return StatedTerms(
            dataset=str(ref),
            state=state,
            supplier=row.supplier,
            contract=row.contract,
            licence=row.licence,
            purposes=tuple(row.allowed.split()),
            supplier_uses=tuple(row.supplier_uses.split()),
            onward=tuple(row.onward.split()),
            legal_basis=row.legal_basis,
            special_basis=row.special_basis,
            starts=row.starts,
            expires=row.expires,
            keep_until=row.keep_until,
            act=row.record,
        )

    def _dataset(self, ref: Ref) -> Dataset:
        row = self._pipeline.stores.catalog.first(select(DATASET).where(DATASET.c.id == ref.id))
        if row is None:
            raise NotFound("data.unknown", f"there is no {ref}")
        return _dataset(row)


def _dataset(row: Row[Any]) -> Dataset:
    return Dataset(
        ref=f"dataset:{row.id}",
        name=row.name,
        data_class=row.data_class,
        purposes=tuple(row.purposes.split()),
        residency=tuple(row.residency.split()),
        owner=row.owner,
        versions=row.versions,
        erased_by=row.erased_by,
    )


def _held(dataset: Row[Any], terms: Row[Any] | None) -> Held:
    cleared = dataset.purposes.split()
    if terms is None:
        return Held(cleared)
    starts, ends = terms_bounds(terms)
    keep = terms.keep_until
    return Held(
        cleared,
        terms.licence,
        allowed=terms.allowed.split(),
        supplier_uses=terms.supplier_uses.split(),
        starts=starts,
        ends=ends,
        keep_until=day_after(date.fromisoformat(keep)) if keep else None,
    )


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _options_json(options: ReadOptions) -> dict[str, Any]:
    return {name: value for name, value in asdict(options).items() if value is not None}


def _tuples(options: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists where `ReadOptions` has tuples."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
