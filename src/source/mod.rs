//! Python text to facts: functions, applications, code digests. No I/O.
