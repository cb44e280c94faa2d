DROP TABLE provider_registrations;
DROP TABLE provider_attempts;
DROP TABLE identities;
