// Package capsule is the files of an undo capsule.
package capsule
