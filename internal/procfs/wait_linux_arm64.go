package procfs

// sysVfork is no system call's number: arm64 has no vfork.
const sysVfork = -1
