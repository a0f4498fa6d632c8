//! The same few operations for every store: append durably, read everything back.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use redb::{ReadableDatabase, ReadableTable, TableDefinition};

/// Anything that a store says.
pub type Said<T> = Result<T, Box<dyn Error>>;

/// Appends one record and returns when it is durable.
pub type Append = Box<dyn FnMut(u64, &[u8]) -> Said<()>>;

/// A store that is compared.
pub struct Store {
    pub name: &'static str,
    pub open: fn(&Path) -> Said<Append>,
    pub read: fn(&Path) -> Said<Vec<(u64, Vec<u8>)>>,
}

pub const STORES: [Store; 4] = [
    Store { name: "sqlite-wal", open: |path| sqlite(path, "WAL"), read: read_sqlite },
    Store { name: "sqlite-rollback", open: |path| sqlite(path, "DELETE"), read: read_sqlite },
    Store { name: "fjall", open: fjall, read: read_fjall },
    Store { name: "redb", open: redb, read: read_redb },
];

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("records");

fn sqlite(path: &Path, mode: &str) -> Said<Append> {
    let base = rusqlite::Connection::open(path.join("records.sqlite"))?;
    base.pragma_update(None, "journal_mode", mode)?;
    base.pragma_update(None, "synchronous", "FULL")?;
    base.execute("CREATE TABLE records (number INTEGER PRIMARY KEY, bytes BLOB)", ())?;
    Ok(Box::new(move |number, bytes| {
        base.execute("INSERT INTO records VALUES (?1, ?2)", (i64::try_from(number)?, bytes))?;
        Ok(())
    }))
}

fn read_sqlite(path: &Path) -> Said<Vec<(u64, Vec<u8>)>> {
    let base = rusqlite::Connection::open(path.join("records.sqlite"))?;
    let mut all = base.prepare("SELECT number, bytes FROM records ORDER BY number")?;
    let mut rows = all.query(())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((u64::try_from(row.get::<_, i64>(0)?)?, row.get(1)?));
    }
    Ok(found)
}

fn fjall(path: &Path) -> Said<Append> {
    let base = fjall::Database::builder(path).open()?;
    let records = base.keyspace("records", fjall::KeyspaceCreateOptions::default)?;
    Ok(Box::new(move |number, bytes| {
        records.insert(number.to_be_bytes(), bytes)?;
        Ok(base.persist(fjall::PersistMode::SyncAll)?)
    }))
}

fn read_fjall(path: &Path) -> Said<Vec<(u64, Vec<u8>)>> {
    let base = fjall::Database::builder(path).open()?;
    let records = base.keyspace("records", fjall::KeyspaceCreateOptions::default)?;
    let mut found = Vec::new();
    for row in records.iter() {
        let (key, value) = row.into_inner()?;
        found.push((u64::from_be_bytes(key[..].try_into()?), value.to_vec()));
    }
    Ok(found)
}

fn redb(path: &Path) -> Said<Append> {
    let base = redb::Database::create(path.join("records.redb"))?;
    Ok(Box::new(move |number, bytes| {
        let transaction = base.begin_write()?; // durable at its commit, if not told otherwise
        transaction.open_table(TABLE)?.insert(number, bytes)?;
        Ok(transaction.commit()?)
    }))
}

fn read_redb(path: &Path) -> Said<Vec<(u64, Vec<u8>)>> {
    let base = redb::Database::open(path.join("records.redb"))?;
    let transaction = base.begin_read()?;
    let table = transaction.open_table(TABLE)?;
    let mut found = Vec::new();
    for row in table.iter()? {
        let (key, value) = row?;
        found.push((key.value(), value.value().to_vec()));
    }
    Ok(found)
}

/// What the disk itself takes: a file to which every record is appended and synced.
pub fn plain(path: &Path) -> Said<Append> {
    fs::create_dir_all(path)?;
    let mut file: File = OpenOptions::new().create(true).append(true).open(path.join("plain"))?;
    Ok(Box::new(move |_, bytes| {
        file.write_all(bytes)?;
        Ok(file.sync_data()?)
    }))
}
