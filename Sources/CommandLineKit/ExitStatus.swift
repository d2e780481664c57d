/// How a program of this project ends. Scripts and supervisors rely on the numbers.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    case success = 0
    /// The function or the operation failed.
    case failed = 1
    /// The arguments make no sense.
    case usage = 2
    /// The engine cannot be reached.
    case unreachable = 3
    /// There is no such function or object.
    case unknownObject = 4
    case timedOut = 5
    /// Bytes on disk contradict their checksums or their neighbours.
    case damaged = 65
    /// The program itself is at fault.
    case internalFault = 70
    /// The disk failed; what reached it is known only after a restart.
    case storageFault = 74
    /// Another engine holds the data directory.
    case inUse = 75
    case notPermitted = 77
    /// The configuration, an address that is taken, or a data directory that is not ours.
    case configuration = 78
}
