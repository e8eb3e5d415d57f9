package phases

// The wire names.

// Kind implements Event.
func (RunOpened) Kind() string { return "run_opened" }

// Kind implements Event.
func (RunResumed) Kind() string { return "run_resumed" }

// Kind implements Event.
func (SurveyTaken) Kind() string { return "survey_taken" }

// Kind implements Event.
func (ItemTicked) Kind() string { return "item_ticked" }

// Kind implements Event.
func (ItemUnticked) Kind() string { return "item_unticked" }

// Kind implements Event.
func (ItemAssumed) Kind() string { return "item_assumed" }

// Kind implements Event.
func (FieldRecorded) Kind() string { return "field_recorded" }

// Kind implements Event.
func (CheckAnswered) Kind() string { return "check_answered" }

// Kind implements Event.
func (ActionStarted) Kind() string { return "action_started" }

// Kind implements Event.
func (TriggersRecorded) Kind() string { return "triggers_recorded" }

// Kind implements Event.
func (ActionDone) Kind() string { return "action_done" }

// Kind implements Event.
func (GatePassed) Kind() string { return "gate_passed" }

// Kind implements Event.
func (GateClosed) Kind() string { return "gate_closed" }

// Kind implements Event.
func (NoGoDeclared) Kind() string { return "no_go_declared" }

// Kind implements Event.
func (PhaseStarted) Kind() string { return "phase_started" }

// Kind implements Event.
func (LockWaited) Kind() string { return "lock_waited" }

// Kind implements Event.
func (TablesLocked) Kind() string { return "tables_locked" }

// Kind implements Event.
func (StepStarted) Kind() string { return "step_started" }

// Kind implements Event.
func (TableProgressed) Kind() string { return "table_progressed" }

// Kind implements Event.
func (StepDone) Kind() string { return "step_done" }

// Kind implements Event.
func (TableCounted) Kind() string { return "table_counted" }

// Kind implements Event.
func (BaselineTaken) Kind() string { return "baseline_taken" }

// Kind implements Event.
func (PhaseVerified) Kind() string { return "phase_verified" }

// Kind implements Event.
func (HoldOpened) Kind() string { return "hold_opened" }

// Kind implements Event.
func (CommitIntended) Kind() string { return "commit_intended" }

// Kind implements Event.
func (CommitDoubted) Kind() string { return "commit_doubted" }

// Kind implements Event.
func (DoubtExamined) Kind() string { return "doubt_examined" }

// Kind implements Event.
func (PhaseCommitted) Kind() string { return "phase_committed" }

// Kind implements Event.
func (PhaseRolledBack) Kind() string { return "phase_rolled_back" }

// Kind implements Event.
func (PhasePassed) Kind() string { return "phase_passed" }

// Kind implements Event.
func (PhaseFailed) Kind() string { return "phase_failed" }

// Kind implements Event.
func (OutcomeUnknown) Kind() string { return "outcome_unknown" }

// Kind implements Event.
func (ConditionRaised) Kind() string { return "condition_raised" }

// Kind implements Event.
func (WindowExtended) Kind() string { return "window_extended" }

// Kind implements Event.
func (NoteRecorded) Kind() string { return "note_recorded" }

// Kind implements Event.
func (BackendEnded) Kind() string { return "backend_ended" }

// Kind implements Event.
func (ObserverJoined) Kind() string { return "observer_joined" }

// Kind implements Event.
func (ObserverLeft) Kind() string { return "observer_left" }

// Kind implements Event.
func (RunAborted) Kind() string { return "run_aborted" }

// Kind implements Event.
func (RunInterrupted) Kind() string { return "run_interrupted" }

// Kind implements Event.
func (RunClosed) Kind() string { return "run_closed" }

// Kind implements Event.
func (PhaseUndone) Kind() string { return "phase_undone" }

// Kind implements Event.
func (PhaseConfirmed) Kind() string { return "phase_confirmed" }

// Kind implements Event.
func (UndoneAccepted) Kind() string { return "undone_accepted" }

// Kind implements Event.
func (ChecksAsked) Kind() string { return "checks_asked" }

// Kind implements Event.
func (ServerAwaited) Kind() string { return "server_awaited" }
