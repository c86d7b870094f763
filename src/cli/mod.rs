//! The command line: arguments, one file per subcommand, human and JSON output.
