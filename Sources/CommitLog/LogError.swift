package import Disk
package import Primitives
package import RecordFormat

/// Why the log could not do what was asked of it.
package enum LogError: Error, Equatable, Sendable {
    /// The batch being filled has no room for this record beside the others. Flush, reap, try
    /// again.
    case full
    /// The record can be stored nowhere. Nothing was staged.
    case recordTooLarge(bytes: Int, limit: Int)
    /// The device failed, or the directory could not be used. After a failed write nothing more is
    /// accepted: what reached the medium is unknown until the log is opened again.
    case storage(StorageError)
    /// Bytes on the medium contradict their checksums or their neighbours. Nothing was changed.
    case damaged([Damage])
    /// A file is whole, but not one that this engine may use. Nothing was changed.
    case refused(path: String, FormatRefusal)
    /// A record is intact, but its reader could not make sense of it.
    case undecodable(Offset, DecodeError)

    /// Whether the same call may succeed later with nothing else changed here.
    package var isRetryable: Bool {
        switch self {
        case .full: true
        case .storage(let error): error.isRetryable
        case .recordTooLarge, .damaged, .refused, .undecodable: false
        }
    }

    /// Whether what the medium gives is not what was written, or it gives nothing.
    package var isOfMedium: Bool {
        switch self {
        case .damaged: true
        case .storage(let error): error.isOfMedium
        case .full, .recordTooLarge, .refused, .undecodable: false
        }
    }

    /// Whether a record was refused and not seen, so that nothing is known to be wrong with it: the
    /// device may give it later, or the process may have a descriptor to read it by.
    package var leavesRecord: Bool {
        if case .storage = self { true } else { false }
    }
}

extension LogError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .full:
            "the batch is full: flush it first"
        case .recordTooLarge(let bytes, let limit):
            "a record of \(bytes) bytes is larger than the \(limit) that a record may have"
        case .storage(let error):
            error.description
        case .damaged(let damages):
            "the log is damaged and was left as it is:" + damages.map { "\n  \($0)" }.joined()
        case .refused(let path, let refusal):
            "\(path) \(refusal)"
        case .undecodable(let offset, let error):
            "record \(offset) is intact but cannot be read: expected \(error.expected) at byte "
                + "\(error.position) of its payload"
        }
    }
}

extension LogError {
    /// In one line, for who says it within a sentence: of damage, the segment first.
    package var line: String {
        guard case .damaged(let damages) = self, let first = damages.first else {
            return description
        }
        let rest = damages.count > 1 ? ", and \(damages.count - 1) more" : ""
        return "segment \(first.segment) is damaged: \(first)\(rest)"
    }
}
