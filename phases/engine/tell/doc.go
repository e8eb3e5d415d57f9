// Package tell brings a message to people: over a webhook, by mail, by a command.
// Each kind of channel stands in a file of its own, with its line in tell.go.
//
// The engine calls [Send], once for each message and channel, in a goroutine of
// its own: Send blocks for as long as the attempts take, and ends with its
// context at the latest. It may be called by several goroutines. It records
// nothing.
//
// What a channel needs that is a secret, it takes from the program's own
// environment when it sends, and masks in what it says: no error has an address,
// a password or a token in it, but at most the name of a host.
//
//	attempts, err := tell.Send(ctx, channel, note, tell.Limits{})
//	if err != nil {
//		// nobody took it, or nobody said so; err is a sentence's part
//	}
//
// An attempt whose answer was lost is made again: a channel may get a message
// twice, and people rather know it twice than not.
package tell
