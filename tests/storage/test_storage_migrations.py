"""Migrations: up from every version with what it held, whole or not at all, and backed up first."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from PIL import Image
from sqlalchemy import create_engine

import storage
from storage.db.engine import MIGRATIONS, migrate
from storage.db.tables import Base
from storage.errors import NewerDatabase, NotWritten, UnknownDatabase
from storage.records import NewPicture
from storage.search.pages import PageRequest
from storage.search.query_parser import owner_token

VERSIONS = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]


def ask(file: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


def tables(file: Path) -> set[object]:
    return {row[0] for row in ask(file, "SELECT name FROM sqlite_master WHERE type = 'table'")}


def migrations_with(folder: Path, upgrade: str) -> Path:
    """A copy of the migrations with one more at the end, whose `upgrade` has this body."""
    copy = folder / "migrations"
    shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    head = f"from alembic import op\nrevision = '9999'\ndown_revision = {VERSIONS[-1]!r}\n"
    source = f"{head}def upgrade():\n    {upgrade}\n"
    (copy / "versions" / "v9999_trial.py").write_text(source)
    return copy


JOBS_OF_THE_FIRST = (
    "jobs (key, id, owner, kind, status, created_at, started_at, finished_at, wish, count, enhancement_id, "
    "cancel_requested, crashes, error)"
)  # later versions have more


ENHANCEMENTS_OF_THE_FIRST = (
    "enhancements (id, owner, created_at, original, steps, prompt, seed, model, revision, template, template_version, "
    "sampling, seconds)"
)


PICTURES_OF_THE_FIRST = (
    'pictures (key, id, owner, job_id, "index", created_at, prompt, original_prompt, negative_prompt, seed, width, height, steps, '
    "guidance, shift, checkpoint, revision, recipe, environment, seconds, enhancement_id, parent_id, pixel_sha256, bytes, favourite, "
    "rating, deleted_at)"
)


TEXTS_OF_THE_FIRST = "picture_texts (key, owner, prompt, original, negative, reasoning, tags)"


def fill(file: Path) -> None:
    """A job, a picture and its texts, in the columns that the first version has."""
    moment = "'2026-01-02 03:04:05.000000'"
    rows = {
        ENHANCEMENTS_OF_THE_FIRST: f"'e1', 'ann', {moment}, 'old', '[]', 'new', 1, 'm', '', 't', '1', '{{}}', 0.5",
        JOBS_OF_THE_FIRST: f"NULL, 'j1', 'ann', 'generate', 'running', {moment}, NULL, NULL, '{{}}', 2, 'e1', 0, 0, NULL",
        PICTURES_OF_THE_FIRST: (
            f"NULL, 'p1', 'ann', 'j1', 0, {moment}, '兔子', 'a rabbit', '', 3, 64, 64, 8, 0.0, 3.0, "
            "'pocket', '', '{}', '{}', 1.0, 'e1', NULL, 'hash', 9, 1, 4, NULL"
        ),
        "picture_tags": "'ann', 'sea', 1, 0, 'Sea'",
        TEXTS_OF_THE_FIRST: f"1, '{owner_token('ann')}', '兔 子', 'a rabbit', '', '', 'sea'",
    }
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(jobs)")}
        for table, row in rows.items():
            if "wish" not in columns:  # its present name
                table = table.replace("wish", "spec")
            connection.execute(f"INSERT INTO {table} VALUES ({row})")


def test_versions_are_one_line_and_only_grow():
    assert list(VERSIONS) == [f"{number:04d}" for number in range(1, len(VERSIONS) + 1)]


def test_the_migrations_make_the_tables_that_are_mapped(kit):
    engine = create_engine(f"sqlite:///{kit.store.folder / 'studio.db'}")

    def ours(thing, name, kind, *_):
        return kind != "table" or not str(name).startswith("picture_search")

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_an_empty_file_and_no_file_become_databases_without_a_backup(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "studio.db").touch()
    for name in ("a", "b"):
        storage.open(tmp_path / name).close()
        assert ask(tmp_path / name / "studio.db", "SELECT version_num FROM alembic_version") == [(VERSIONS[-1],)]
        assert not (tmp_path / name / "backups").exists()


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_older_version_held_is_there_after_the_migration(tmp_path, version):
    file = tmp_path / "studio.db"
    migrate(file, tmp_path / "backups", target=version)
    fill(file)
    store = storage.open(tmp_path)
    picture = store.pictures.get("ann", "p1")
    assert (picture.prompt, picture.tags, picture.rating, picture.favourite) == ("兔子", ("Sea",), 4, True)
    assert (picture.enhancement.original, picture.created_at.isoformat()) == (
        "old",
        "2026-01-02T03:04:05+00:00",
    )
    assert store.pictures.page(PageRequest(owner="ann", query="兔子 sea")).items == (picture,)
    if version < "0005":  # what can be filtered by, and the key that tells when
        for query in (
            "seed:3 rating:>=4 is:favourite tag:sea checkpoint:pock has:enhancement",
            "on:2026-01-02",
            "rab",
            "rabb",
        ):
            assert store.pictures.page(PageRequest(owner="ann", query=query)).items == (picture,), query
    assert store.shares.resolve(store.shares.add("ann", "p1", 1).token)[1] == picture
    (job,) = store.jobs.recover()
    assert (job.status, job.pictures) == ("queued", ("p1",))
    new = {name: getattr(picture, name) for name in NewPicture.__dataclass_fields__} | {"index": 1}
    added = store.pictures.add(NewPicture(**new), Image.new("RGB", (64, 64)), finish=True)
    assert store.pictures.page(PageRequest(owner="ann")).items == (added, picture)
    store.close()
    backups = list((tmp_path / "backups").glob("*")) if version != VERSIONS[-1] else []
    assert len(backups) == (version != VERSIONS[-1])


def test_the_backup_is_the_whole_database_as_it_was(tmp_path):
    file = tmp_path / "studio.db"
    migrate(file, tmp_path / "backups", target=VERSIONS[0])
    with closing(sqlite3.connect(file, isolation_level=None)) as open_elsewhere:
        open_elsewhere.execute("SELECT count(*) FROM pictures").fetchall()
        fill(file)  # stays in the write-ahead log as long as somebody has the file open
        assert open_elsewhere.execute("SELECT id FROM pictures").fetchall() == [("p1",)]
        assert Path(f"{file}-wal").stat().st_size > 0
        storage.open(tmp_path).close()
    (backup,) = (tmp_path / "backups").iterdir()
    assert backup.name.startswith(f"studio-{VERSIONS[0]}-") and backup.suffix == ".db"
    assert ask(backup, "SELECT version_num FROM alembic_version") == [(VERSIONS[0],)]
    assert ask(backup, "SELECT id, prompt FROM pictures") == [("p1", "兔子")]
    assert "shares" not in tables(backup)


@pytest.mark.parametrize(
    "upgrade",
    [
        "op.execute('CREATE TABLE half (x)'); op.execute('DROP TABLE shares'); raise OSError('power cut')",
        "op.execute('CREATE TABLE half (x)'); op.execute('nonsense')",
        "op.execute('CREATE TABLE half (x)'); op.execute('DELETE FROM jobs')",  # pictures point to them
    ],
)
def test_a_failed_migration_leaves_nothing_of_itself(tmp_path, upgrade):
    store = storage.open(tmp_path / "data")
    store.close()
    file = tmp_path / "data" / "studio.db"
    fill(file)
    before = tables(file), ask(file, "SELECT * FROM pictures"), ask(file, "SELECT * FROM jobs")
    with pytest.raises((OSError, NotWritten, UnknownDatabase)):
        migrate(file, tmp_path / "backups", migrations=migrations_with(tmp_path, upgrade))
    assert (tables(file), ask(file, "SELECT * FROM pictures"), ask(file, "SELECT * FROM jobs")) == before
    assert ask(file, "SELECT version_num FROM alembic_version") == [(VERSIONS[-1],)]
    assert len(list((tmp_path / "backups").iterdir())) == 1
    store = storage.open(tmp_path / "data")
    assert store.pictures.get("ann", "p1").prompt == "兔子"
    store.close()


def test_a_failed_first_migration_leaves_an_empty_file(tmp_path):
    file = tmp_path / "studio.db"
    with pytest.raises(NotWritten, match="could not be written"):
        migrate(file, tmp_path / "backups", migrations=migrations_with(tmp_path, "op.execute('nonsense')"))
    assert tables(file) == set()
    storage.open(tmp_path).close()


def test_a_newer_database_is_refused_untouched(tmp_path):
    storage.open(tmp_path / "data").close()
    file = tmp_path / "data" / "studio.db"
    migrate(
        file,
        tmp_path / "backups",
        migrations=migrations_with(tmp_path, "op.execute('CREATE TABLE later (x)')"),
    )
    before = file.read_bytes()
    for _ in range(2):
        with pytest.raises(NewerDatabase, match=r"written by a newer studio .version 9999.*Nothing was changed"):
            storage.open(tmp_path / "data")
    assert file.read_bytes() == before
    assert not (tmp_path / "data" / "backups").exists()


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("CREATE TABLE recipes (x)", "tables of another program"),
        ("CREATE TABLE alembic_version (version_num TEXT)", "does not say which version"),
    ],
)
def test_a_foreign_database_is_refused_untouched(tmp_path, sql, why):
    ask(tmp_path / "studio.db", sql)
    before = (tmp_path / "studio.db").read_bytes()
    with pytest.raises(UnknownDatabase, match=why):
        storage.open(tmp_path)
    assert (tmp_path / "studio.db").read_bytes() == before


PICTURES = "FROM pictures WHERE owner = ? AND deleted_at IS"
JOBS = "FROM jobs WHERE owner = ? AND"
PLANS = {
    f"SELECT key {PICTURES} NULL AND key < ? ORDER BY key DESC": "ix_pictures_kept",
    f"SELECT count(*) {PICTURES} NULL": "COVERING INDEX ix_pictures_kept",
    f"SELECT key {PICTURES} NULL AND favourite IS 1 ORDER BY key DESC": "ix_pictures_favourite",
    f"SELECT count(*) {PICTURES} NULL AND favourite IS 1": "COVERING INDEX ix_pictures_favourite",
    f"SELECT key {PICTURES} NOT NULL ORDER BY key DESC": "COVERING INDEX ix_pictures_trash",
    f"SELECT * {JOBS} status IN ('queued', 'running') ORDER BY key": "ix_jobs_unfinished",
    "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')": "ix_jobs_unfinished",
    f"SELECT * {JOBS} finished_at IS NOT NULL ORDER BY finished_at DESC, key DESC": "ix_jobs_owner_finished",
}


@pytest.mark.parametrize("sql", PLANS)
def test_an_index_serves_the_listing_and_nothing_is_sorted(kit, sql):
    with kit.store.database.read() as session:
        values = tuple("x" for _ in range(sql.count("?")))
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
    told = " ".join(str(row[-1]) for row in plan)
    assert PLANS[sql] in told and "TEMP B-TREE" not in told, told
