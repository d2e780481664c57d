import Engine
import NIOCore
import Primitives

/// Asks the core for pictures, for one event loop. Confined to it.
final class PictureRequests {
    private let inbox: Inbox
    private let loopNumber: Int
    private var waiting: [UInt64: (EnginePicture) -> Void] = [:]
    private var asked: UInt64 = 0

    /// How many may be waited for: each costs the core a pass over what there is.
    private static let limit = 16

    init(inbox: Inbox, loopNumber: Int) {
        self.inbox = inbox
        self.loopNumber = loopNumber
    }

    /// Functions and triggers are left out where `known` is their version.
    ///
    /// - Returns: false: too many are waited for already.
    func ask(known: UInt64? = nil, _ take: @escaping (EnginePicture) -> Void) -> Bool {
        guard waiting.count < Self.limit else { return false }
        asked += 1
        waiting[asked] = take
        inbox.offer(.requestPicture(PictureRequest(loop: loopNumber, id: asked, known: known)))
        return true
    }

    func arrived(_ request: PictureRequest, _ picture: EnginePicture) {
        waiting.removeValue(forKey: request.id)?(picture)
    }
}
