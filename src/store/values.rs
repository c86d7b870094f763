//! Reading values: content-addressed, verified against their digests on every read.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::{NodeError, StoreError};
use super::nodes::{self, Node, PackedNode};
use super::open::Store;
use crate::base::digest::Digest;

impl Store {
    /// The bytes of a value. A damaged one is an error, never returned.
    pub fn node(&self, digest: &Digest) -> Result<Bytes, NodeError> {
        self.read("read a value", |db| Ok(self.node_in(db, digest)))?
    }

    /// The bytes of several values, in the order asked for, in one transaction.
    pub fn nodes(&self, digests: &[Digest]) -> Result<Vec<Result<Bytes, NodeError>>, StoreError> {
        self.read("read values", |db| Ok(digests.iter().map(|digest| self.node_in(db, digest)).collect()))
    }

    /// Which of these values are not stored. Their bytes are not looked at.
    pub fn missing_nodes(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        self.read("look for values", |db| {
            let mut query = self.sql(
                "look for values",
                db.prepare_cached("SELECT EXISTS(SELECT 1 FROM nodes WHERE key=?1 AND rest=?2)"),
            )?;
            let mut out = Vec::new();
            for digest in digests {
                let there =
                    query.query_row(params![digest.prefix(), &digest.as_bytes()[8..]], |row| row.get(0));
                if !self.sql::<bool>("look for values", there)? {
                    out.push(*digest);
                }
            }
            Ok(out)
        })
    }

    /// Stores a value unless it is there. Inside a write transaction.
    pub(super) fn put_node(&self, db: &Connection, node: Node) -> super::error::Result<()> {
        let put = || {
            if row_of(db, &node.digest)?.is_none() {
                let packed = PackedNode::new(node, false, self.inner.options.nodes.children);
                let (codec, data) = packed.stored(|child| row_of(db, child))?;
                insert(db, &packed, codec, &data)?;
            }
            Ok(())
        };
        self.sql("store a value", put())
    }

    pub(super) fn node_in(&self, db: &Connection, digest: &Digest) -> Result<Bytes, NodeError> {
        let rules = &self.inner.options.nodes;
        let read = || -> rusqlite::Result<Option<Result<Bytes, String>>> {
            let mut query = db.prepare_cached("SELECT rest, codec, size, data FROM nodes WHERE key=?1")?;
            let mut rows = query.query([digest.prefix()])?;
            let mut found = None;
            while let Some(row) = rows.next()? {
                let mine = row.get_ref(0)?.as_blob().is_ok_and(|rest| *rest == digest.as_bytes()[8..]);
                // A copy that was written again after damage comes later and is as good.
                if mine && !matches!(found, Some(Ok(_))) {
                    found = Some(match row.get_ref(3)?.as_blob() {
                        Ok(data) => nodes::unpack(rules, digest, row.get(1)?, row.get(2)?, data, |at| {
                            digest_at(db, at)
                        }),
                        Err(_) => Err("its row has the wrong type".to_owned()),
                    });
                }
            }
            Ok(found)
        };
        let damaged = |what: String| {
            if let Ok(mut known) = self.inner.known.lock() {
                known.set_damaged(*digest);
            }
            Err(NodeError::Damaged { digest: *digest, what })
        };
        match read() {
            Ok(Some(Ok(data))) => Ok(data),
            Ok(Some(Err(what))) => damaged(what),
            Ok(None) => Err(NodeError::Missing { digest: *digest }),
            Err(error) if super::history::is_damage(&error) => damaged(error.to_string()),
            Err(error) => Err(StoreError::sql(&self.inner.file, "read a value", error).into()),
        }
    }
}

/// The row of a stored value.
pub(super) fn row_of(db: &Connection, digest: &Digest) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM nodes WHERE key=?1 AND rest=?2")?
        .query_row(params![digest.prefix(), &digest.as_bytes()[8..]], |row| row.get(0))
        .optional()
}

/// Stores a value that has no row yet, as its codec says.
pub(super) fn insert(db: &Connection, node: &PackedNode, codec: i64, data: &[u8]) -> rusqlite::Result<i64> {
    let (key, rest) = (node.digest.prefix(), &node.digest.as_bytes()[8..]);
    db.prepare_cached("INSERT INTO nodes(key, rest, codec, size, data) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .insert(params![key, rest, codec, node.size, data])
}

/// What a row names. Nothing of its data is read.
fn digest_at(db: &Connection, row: i64) -> Result<Digest, String> {
    db.prepare_cached("SELECT key, rest FROM nodes WHERE id=?1")
        .and_then(|mut query| {
            query.query_row([row], |row| Ok(nodes::digest_of(row.get(0)?, row.get_ref(1)?.as_blob()?)))
        })
        .map_err(|error| format!("what it refers to in row {row} cannot be read: {error}"))
}
