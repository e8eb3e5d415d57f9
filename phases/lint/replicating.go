package lint

import (
	"fmt"
	"regexp"
	"strconv"

	"tminus/phases"
)

var (
	commitHangs = &Code{
		Name: "commit-hangs", Severity: phases.SeverityError,
		Means: "synchronous_standby_names asks for more standbys than are connected: each COMMIT waits until they are, with its locks held.",
		Do:    "bring the standby back, or take it out of synchronous_standby_names",
	}
	commitWaits = &Code{
		Name: "commit-waits", Severity: phases.SeverityNote,
		Means: "synchronous_standby_names is set: each COMMIT waits until a standby has received what the phase wrote, with its locks held. A standby that falls out in the window makes it hang.",
		Do:    "have somebody watch the standby in the window",
	}
	standbyBehind = &Code{
		Name: "standby-behind", Severity: phases.SeverityWarning,
		Means: "A standby or a subscriber is far behind already: what the run writes comes on top, and readers there see the old rows for as long.",
		Do:    "find out what holds it up, and let it catch up before the window",
	}
	standbyUnseen = &Code{
		Name: "standby-unseen", Severity: phases.SeverityNote,
		Means: "Standbys or subscribers are connected, and the role may not see how far behind they are.",
		Do:    "grant pg_read_all_stats to the role, or look in pg_stat_replication as one that may",
	}
	slotIdle = &Code{
		Name: "slot-idle", Severity: phases.SeverityWarning,
		Means: "Nobody reads from a replication slot: the server keeps all WAL that the run writes until somebody does, and its disk may fill. With max_slot_wal_keep_size it keeps that much, and the slot is lost then.",
		Do:    "have its reader started, or drop the slot if nobody needs it: SELECT pg_drop_replication_slot(name)",
	}
	slotExpires = &Code{
		Name: "slot-expires", Severity: phases.SeverityWarning,
		Means: "A replication slot is beyond max_slot_wal_keep_size: with the WAL that the run writes it is lost, and its standby or subscriber has to be made anew.",
		Do:    "let its reader catch up before the window, or raise max_slot_wal_keep_size",
	}
	slotDecodes = &Code{
		Name: "slot-decodes", Severity: phases.SeverityNote,
		Means: "Logical replication slots of this database decode all that is committed, whether it is published or not: each phase is one large transaction for them, kept on disk beyond logical_decoding_work_mem.",
		Do:    "tell who reads from them, and have their lag watched after each COMMIT",
	}
	archiveFails = &Code{
		Name: "archive-fails", Severity: phases.SeverityWarning,
		Means: "The archiver's last attempt failed. Until it works, the server keeps all WAL that the run writes, its disk may fill, and no restore to a point in time reaches the run.",
		Do:    "look at last_failed_wal in pg_stat_archiver and at the server's log, and mend it before the window",
	}
	catalogUnread = &Code{
		Name: "catalog-unread", Severity: phases.SeverityWarning,
		Means: "A part of the catalog could not be read: what would be found there is unknown.",
		Do:    "have the right granted, or lint as a role that has it",
	}
)

// farBehind is where a standby's lag is no longer one of a busy moment.
const farBehind = 256 << 20

var replicating = rule{[]*Code{commitHangs, standbyBehind, slotExpires, slotIdle, archiveFails, commitWaits, standbyUnseen, slotDecodes}, func(v *View) []phases.Finding {
	r, s := v.Schema.Replication, v.Schema.Server
	var out []phases.Finding
	unseen := len(r.Standbys) > 0 && !s.SeesOthers
	if unseen {
		out = append(out, standbyUnseen.at("", "", "how far behind the standbys are, "+s.Role+" may not see", ""))
	}
	syncs := 0
	for _, x := range r.Standbys {
		if x.Sync {
			syncs++
		}
	}
	switch {
	case r.SyncNames == "":
	case syncs < waitedFor(r.SyncNames) && !unseen:
		out = append(out, commitHangs.at("", "", fmt.Sprintf("synchronous_standby_names is %s, and %d such %s", r.SyncNames, syncs, areConnected(syncs)), ""))
	default:
		out = append(out, commitWaits.at("", "", fmt.Sprintf("each COMMIT waits for a standby: synchronous_standby_names is %s", r.SyncNames), ""))
	}
	for _, x := range r.Standbys {
		if x.Behind > farBehind {
			out = append(out, standbyBehind.at("", "", fmt.Sprintf("%s is more than %s behind", x.Name, phases.Bytes(farBehind)), ""))
		}
	}
	out = append(out, v.slots()...)
	if r.Archiving && r.Unstored {
		out = append(out, archiveFails.at("", "", "the archiver's last attempt failed", ""))
	}
	return out
}}

// many is how synchronous_standby_names asks for more than one standby.
var many = regexp.MustCompile(`^\s*(?i:FIRST|ANY)?\s*(\d+)\s*\(`)

// waitedFor is how many standbys a COMMIT waits for.
func waitedFor(names string) int {
	if m := many.FindStringSubmatch(names); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return 1
}

func areConnected(n int) string {
	if n == 1 {
		return "standby is connected"
	}
	return "standbys are connected"
}

func (v *View) slots() []phases.Finding {
	var out []phases.Finding
	var decoding []string
	for _, x := range v.Schema.Replication.Slots {
		until := "until somebody reads it"
		if v.Schema.Replication.KeepLimit {
			until = "up to max_slot_wal_keep_size, and is lost then"
		}
		switch {
		case x.Expiring:
			out = append(out, slotExpires.at("", "", fmt.Sprintf("slot %s has more WAL to read than max_slot_wal_keep_size keeps", x.Name), ""))
		case !x.Active:
			out = append(out, slotIdle.at("", "", fmt.Sprintf("nobody reads from slot %s, which keeps the WAL of the run %s", x.Name, until), ""))
		case x.Database == v.Schema.Server.Database:
			decoding = append(decoding, x.Name)
		}
	}
	if decoding != nil {
		out = append(out, slotDecodes.at("", "", fmt.Sprintf("what each phase commits is decoded for slot %s", few(decoding)), ""))
	}
	return out
}

var unread = rule{[]*Code{catalogUnread}, func(v *View) []phases.Finding {
	var out []phases.Finding
	for _, u := range v.Schema.Unread {
		out = append(out, catalogUnread.at("", "", fmt.Sprintf("%s could not be read: %s", u.What, u.Why), ""))
	}
	return out
}}
