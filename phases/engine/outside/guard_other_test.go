//go:build !linux

package outside

const guardless = true
