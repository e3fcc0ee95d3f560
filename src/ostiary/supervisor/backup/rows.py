"""The database as lines of text: written from any engine, read into any engine. Needs Django.

The first line names the migrations that had been applied. Rows are read and written with the models as they were
then, so that a newer version reads an older backup and brings it up to date afterwards.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.sql.constants import NO_RESULTS
from django.utils.encoding import is_protected_type

from ostiary.supervisor.backup.container import UnusableBackup

CHUNK_ROWS = 1000
Targets = list[tuple[str, str]]


def applied_migrations(database: str = "default") -> tuple[str, ...]:
    """Return what has been applied to a database, as `app.name`, sorted."""
    recorder = MigrationRecorder(connections[database])
    return tuple(sorted(f"{app}.{name}" for app, name in recorder.applied_migrations()))


def write_rows(target: TextIO, *, database: str = "default") -> int:
    """Write every row of one moment; return how many there are."""
    connection = connections[database]
    written = 0
    with transaction.atomic(using=database):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        applied = applied_migrations(database)
        target.write(json.dumps({"migrations": applied}) + "\n")
        for model in _models(_targets(applied), database):
            target.write(json.dumps({"model": model._meta.label_lower, "fields": _columns(model)}) + "\n")
            for row in model._base_manager.using(database).order_by("pk").iterator(chunk_size=CHUNK_ROWS):
                target.write(json.dumps(_values(row), cls=DjangoJSONEncoder, ensure_ascii=False) + "\n")
                written += 1
    return written


def read_rows(source: TextIO, *, database: str = "default") -> int:
    """Fill an empty database from lines; return how many rows there are. All or nothing, tables aside.

    Raises:
        UnusableBackup: when the lines come from a newer version or cannot be read.
    """
    try:
        applied = tuple(json.loads(source.readline())["migrations"])
        targets = _targets(applied)
        check_known(applied, database)
        executor = _executor(database)
        executor.migrate(_newest(targets, executor))
        known = {model._meta.label_lower: model for model in _models(targets, database)}
        with transaction.atomic(using=database):
            _empty(list(known.values()), database)
            read = sum(_insert(known[label], fields, rows, database) for label, fields, rows in _tables(source))
            _reset_sequences(list(known.values()), database)
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableBackup(f"The database in the backup cannot be read: {error}.") from None
    return read


def check_known(applied: Iterable[str], database: str = "default") -> None:
    """Return when this version knows every migration.

    Raises:
        UnusableBackup: when it does not.
    """
    known = _executor(database).loader.disk_migrations
    for name in applied:
        app, _, migration = name.partition(".")
        if (app, migration) not in known:
            raise UnusableBackup(
                f"The backup comes from a newer version of Ostiary (it knows {name}).",
                hint="Install that version first.",
            )


def _executor(database: str) -> MigrationExecutor:
    return MigrationExecutor(connections[database])


def _targets(applied: Iterable[str]) -> Targets:
    return [(app, name) for app, _, name in (entry.partition(".") for entry in applied)]


def _newest(targets: Targets, executor: MigrationExecutor) -> Targets:
    """Return those that no other one of their app builds on: what a plan that only goes forward aims at."""
    reached = set(targets)
    nodes = executor.loader.graph.node_map
    return [
        target
        for target in targets
        if not any(child.key[0] == target[0] and child.key in reached for child in nodes[target].children)
    ]


def _models(targets: Targets, database: str) -> list[type[models.Model]]:
    loader = _executor(database).loader
    state = loader.project_state([target for target in targets if target in loader.graph.nodes])
    every = state.apps.get_models(include_auto_created=True)
    return sorted((m for m in every if m._meta.managed and not m._meta.proxy), key=lambda m: m._meta.label_lower)


def _columns(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _values(row: models.Model) -> list[Any]:
    values = []
    for field in row._meta.concrete_fields:
        value = field.value_from_object(row)
        values.append(value if is_protected_type(value) else field.value_to_string(row))
    return values


def _tables(source: TextIO) -> Iterator[tuple[str, list[str], Iterator[list[Any]]]]:
    pending: dict[str, Any] | None = None

    def rows() -> Iterator[list[Any]]:
        nonlocal pending
        for line in source:
            entry = json.loads(line)
            if isinstance(entry, dict):
                pending = entry
                return
            yield entry

    for stray in rows():
        raise ValueError(f"a row stands before its table: {stray!r:.60}")
    while pending is not None:
        table, pending = pending, None
        yield table["model"], table["fields"], rows()


def _insert(model: type[models.Model], names: list[str], rows: Iterator[list[Any]], database: str) -> int:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    count = 0
    chunk: list[models.Model] = []
    for row in rows:
        chunk.append(model(**{name: fields[name].to_python(value) for name, value in zip(names, row, strict=True)}))
        count += 1
        if len(chunk) == CHUNK_ROWS:
            _insert_as_is(model, chunk, database)
            chunk = []
    _insert_as_is(model, chunk, database)
    return count


def _insert_as_is(model: type[models.Model], objects: list[models.Model], database: str) -> None:
    query = models.sql.InsertQuery(model)
    if objects:
        connection = connections[database]
        size = connection.ops.bulk_batch_size(list(model._meta.concrete_fields), objects) or len(objects)
        for start in range(0, len(objects), size):
            query.insert_values(model._meta.concrete_fields, objects[start : start + size], raw=True)
            query.get_compiler(using=database).execute_sql()


def _empty(tables: list[type[models.Model]], database: str) -> None:
    for model in tables:
        models.sql.DeleteQuery(model).get_compiler(using=database).execute_sql(NO_RESULTS)


def _reset_sequences(tables: list[type[models.Model]], database: str) -> None:
    connection = connections[database]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)
