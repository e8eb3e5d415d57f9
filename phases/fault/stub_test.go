package fault

const childOrder = "TMINUS_FAULT_CHILD"

func child(string) int                                   { return 0 }
func (h *harness) killFaults(cleanRun) []fault          { return nil }
func (h *harness) statementFaults() []fault             { return nil }
func childFaults(cleanRun) []fault                      { return nil }
func (h *harness) commitKillFaults() []fault            { return nil }
func backendFaults() []fault                            { return nil }
func reuseFaults() []fault                              { return nil }
func serverFaults() []fault                             { return nil }
func (h *harness) operatorFaults(cleanRun) []fault      { return nil }
func diskFaults(cleanRun) []fault                       { return nil }
func fileFaults(cleanRun) []fault                       { return nil }
func fullDiskFaults() []fault                           { return nil }
func clockFaults() []fault                              { return nil }
func (h *harness) signalFaults(cleanRun) []fault        { return nil }
func (h *harness) terminalFaults(cleanRun) []fault      { return nil }
func ledgerFaults() []fault                             { return nil }
