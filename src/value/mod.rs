//! Python values as data: read from pickles without loading them, hashed, stored in shared pieces, shown as JSON.
