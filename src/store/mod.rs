//! The checkpoint store: SQLite, one writer with group commit, windowed reads, blobs, gc.
