# says: The actor's answer never comes.
return HandedOn(self.actor_ref, pykka.ThreadingFuture())
