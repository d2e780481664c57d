/// What happens to values beyond plain reads and writes.
enum StoreStep {
    /// Sets a key where it is at the revision that the caller knows, or at one that is wrong.
    case compareAndSet(key: UInt64, isRight: Bool)
    /// Sets two keys or none.
    case transact(key: UInt64, isRight: Bool)
    /// A value that goes by itself.
    case setPassing(key: UInt64, milliseconds: UInt64)
    case deletePassing(key: UInt64)
    /// A trigger of a key, and none any more.
    case react(UInt64, key: UInt64)
    case ignore(UInt64, key: UInt64)
    /// Items of a stream.
    case setItem(UInt64, bytes: Int)
    case deleteItem(UInt64)
    case getItem(UInt64)
    case tell(UInt64)

    static let kinds: UInt64 = 10

    init(_ kind: UInt64, _ any: UInt64, bytes: Int) {
        let isRight = any % 3 > 0
        switch kind % Self.kinds {
        case 0: self = .compareAndSet(key: any >> 4, isRight: isRight)
        case 1: self = .transact(key: any >> 4, isRight: isRight)
        case 2: self = .setPassing(key: any >> 4, milliseconds: 1 + any % 5000)
        case 3: self = .deletePassing(key: any >> 4)
        case 4: self = .react(any, key: any >> 4)
        case 5: self = .ignore(any, key: any >> 4)
        case 6: self = .setItem(any, bytes: bytes)
        case 7: self = .deleteItem(any)
        case 8: self = .getItem(any)
        default: self = .tell(any)
        }
    }
}
