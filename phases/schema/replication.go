package schema

// Replication is who else gets what the server writes.
type Replication struct {
	Slots     []Slot
	Standbys  []Standby
	SyncNames string // synchronous_standby_names; empty: no COMMIT waits for a standby
	KeepLimit bool   // max_slot_wal_keep_size bounds what a slot keeps
	Archiving bool   // archive_mode is on
	Unstored  bool   // the archiver's last attempt failed
}

// Slot is a replication slot that keeps WAL. One that has lost what it needs
// keeps none, and is left out.
type Slot struct {
	Name     string
	Database string // of a logical slot; empty for a physical one
	Active   bool
	Expiring bool // wal_status unreserved: what it needs goes with the next checkpoint
}

// Standby is whoever receives WAL now, as pg_stat_replication has it.
type Standby struct {
	Name   string // its application_name
	Sync   bool   // a COMMIT may wait for it
	Behind int64  // bytes that it has not replayed; -1 where that may not be seen
}
